async function fetchInvoices() {
  const { id_token } = tokenStore.getTokens();

  const response = await fetch("https://api.example.com/invoices", {
    headers: {
      Authorization: `Bearer ${id_token}`,
    },
  });

  return response.json();
}
