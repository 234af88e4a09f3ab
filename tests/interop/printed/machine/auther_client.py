class AutherClient:
    def __init__(self, api_key: str, base_url: str):
        self.api_key = api_key
        self.base_url = base_url
        self._token = None
        self._token_expires_at = None

    def _get_token(self) -> str:
        now = datetime.utcnow()
        if self._token and self._token_expires_at and now < self._token_expires_at:
            return self._token

        response = requests.post(
            f"{self.base_url}/api/auth/api-key/exchange",
            json={"apiKey": self.api_key}
        )
        data = response.json()
        self._token = data["token"]
        # Refresh 60 seconds before expiry
        self._token_expires_at = (
            datetime.fromisoformat(data["expiresAt"].replace("Z", "+00:00"))
            - timedelta(seconds=60)
        )
        return self._token

    def request(self, method: str, url: str, **kwargs) -> requests.Response:
        token = self._get_token()
        headers = kwargs.pop("headers", {})
        headers["Authorization"] = f"Bearer {token}"
        return requests.request(method, url, headers=headers, **kwargs)
