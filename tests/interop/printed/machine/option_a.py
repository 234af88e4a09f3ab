import requests

# Exchange API key for a short-lived JWT
exchange = requests.post(
    "https://auth.example.com/api/auth/api-key/exchange",
    json={"apiKey": "ak_live_xxxxxxxxxxxx"}
)
jwt_token = exchange.json()["token"]  # Valid for 15 minutes

# Use the JWT for subsequent API calls
headers = {"Authorization": f"Bearer {jwt_token}"}
deployments = requests.get("https://api.example.com/deployments", headers=headers)
