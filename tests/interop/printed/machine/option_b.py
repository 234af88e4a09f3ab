result = requests.post(
    "https://auth.example.com/api/auth/check-permission",
    headers={"x-api-key": "ak_live_xxxxxxxxxxxx"},
    json={
        "entityType": "client_abc:deployment",
        "entityId": "deploy_123",
        "permission": "edit",
        "resource": {
            "attributes": {"environment": "staging"}
        }
    }
)
print(result.json())  # {"allowed": true, ...}
