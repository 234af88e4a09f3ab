"""A machine with an API key, with the printed code: a token by exchange, one direct question, and the class that renews its token."""

import json
import os
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from given import ISSUER, admin, report

ROOT = {"email": "root@example.com", "password": "correct horse battery"}
MODEL = {
    "relations": {"editor": {"union": ["viewer"]}, "viewer": []},
    "permissions": {
        "read": {"relation": "viewer"},
        "edit": {"relation": "editor", "policyEngine": "lua", "policy": "return context.resource.environment ~= 'production'"},
    },
}


class ZonedDatetime(datetime):
    """The printed class compares `utcnow()`, which has no zone, with a time that has one. Only the caller repairs that."""

    @classmethod
    def utcnow(cls):
        return datetime.now(timezone.utc)


def printed(name, **places):
    """Runs a printed file with these texts in the place of its own, and what it imports elsewhere; gives its names."""
    path = os.path.join(os.path.dirname(__file__), "..", "printed", "machine", name)
    with open(path) as file:
        source = file.read()
    known = {"key": "ak_live_xxxxxxxxxxxx", "issuer": "https://auth.example.com", "api": "https://api.example.com"}
    for place, text in places.items():
        source = source.replace(known[place], text)
    names = {"requests": requests, "datetime": ZonedDatetime, "timedelta": timedelta}
    exec(compile(source, name, "exec"), names)
    return names


class Deployments(BaseHTTPRequestHandler):
    """The API of somebody else: it verifies the token by the published keys and answers with its claims."""

    def do_GET(self):
        keys = KeySet.import_key_set(requests.get(f"{ISSUER}/api/auth/jwks", timeout=20).json())
        try:
            claims = jwt.decode(self.headers["authorization"].removeprefix("Bearer "), keys, algorithms=["RS256"]).claims
            jwt.JWTClaimsRegistry(iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": ISSUER}).validate(claims)
            status, body = 200, claims
        except Exception as error:
            status, body = 401, {"error": str(error)}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


class Machine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        admin("user", "create", "--email", ROOT["email"], "--password-stdin", "--verified", "--admin", line=ROOT["password"] + "\n")
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "model.json")
            with open(file, "w") as out:
                json.dump(MODEL, out)
            for kind in ("deployment", "config"):
                admin("model", "put", f"client_abc:{kind}", "--file", file)
        # The printed curl: the session token of an administrator as Bearer.
        signed_in = requests.post(f"{ISSUER}/api/auth/sign-in/email", json=ROOT, headers={"origin": ISSUER}, timeout=20).json()
        headers = {"Authorization": f"Bearer {signed_in['token']}", "Content-Type": "application/json"}
        body = '{"name": "CI/CD Pipeline Key", "expiresIn": 2592000}'
        created = requests.post(f"{ISSUER}/api/auth/api-key/create", headers=headers, data=body, timeout=20)
        assert created.status_code == 200, created.text
        cls.key = created.json()
        admin("tuple", "add", "client_abc:deployment", "*", "editor", "apikey", cls.key["id"])
        admin("tuple", "add", "client_abc:config", "*", "viewer", "apikey", cls.key["id"])
        cls.api = HTTPServer(("127.0.0.1", 0), Deployments)
        threading.Thread(target=cls.api.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.api.server_port}"

    @classmethod
    def tearDownClass(cls):
        cls.api.shutdown()

    def test_option_a_a_token_by_exchange(self):
        names = printed("option_a.py", key=self.key["key"], issuer=ISSUER, api=self.url)
        claims = names["deployments"].json()
        self.assertEqual(names["deployments"].status_code, 200, claims)
        self.assertEqual(claims["permissions"]["client_abc:deployment"], ["edit", "editor", "read", "viewer"])
        self.assertEqual(claims["permissions"]["client_abc:config"], ["read", "viewer"])
        self.assertEqual(claims["abac_required"], {"client_abc:deployment": ["edit"]})
        self.assertEqual((claims["apiKeyId"], claims["exp"] - claims["iat"]), (self.key["id"], 900))

    def test_option_b_one_direct_question(self):
        answer = printed("option_b.py", key=self.key["key"], issuer=ISSUER)["result"].json()
        self.assertEqual((answer["allowed"], answer["subjectType"], answer["subjectId"]), (True, "apikey", self.key["id"]))

    def ask(self, kind, permission, environment):
        question = {
            "entityType": f"client_abc:{kind}",
            "entityId": "deploy_123",
            "permission": permission,
            "resource": {"attributes": {"environment": environment}},
        }
        result = requests.post(f"{ISSUER}/api/auth/check-permission", headers={"x-api-key": self.key["key"]}, json=question)
        self.assertEqual(result.status_code, 200, result.text)
        return result.json()

    def test_a_denial_is_an_answer(self):
        for kind, permission, environment, reason in [("deployment", "edit", "production", "policy_denied"), ("config", "edit", "staging", "no_tuple")]:
            answer = self.ask(kind, permission, environment)
            self.assertEqual((answer["allowed"], answer["reason"]), (False, reason))

    def client(self):
        return printed("auther_client.py")["AutherClient"](self.key["key"], ISSUER)

    def test_the_class_keeps_its_token_and_renews_it_a_minute_before_its_end(self):
        client, url = self.client(), f"{self.url}/deployments"
        first = client.request("GET", url).json()["jti"]
        self.assertEqual(client.request("GET", url).json()["jti"], first)
        left = client._token_expires_at - ZonedDatetime.utcnow()
        self.assertTrue(timedelta(minutes=13) < left <= timedelta(minutes=14), left)
        client._token_expires_at = ZonedDatetime.utcnow()
        self.assertNotEqual(client.request("GET", url).json()["jti"], first)

    def test_the_token_is_accepted_by_us_as_well(self):
        body = {"entityType": "client_abc:config", "entityId": "1", "permission": "read"}
        answer = self.client().request("POST", f"{ISSUER}/api/auth/check-permission", json=body).json()
        self.assertEqual((answer["allowed"], answer["subjectType"]), (True, "apikey"))

    def test_a_key_that_is_none_is_refused(self):
        answer = requests.post(f"{ISSUER}/api/auth/api-key/exchange", json={"apiKey": "ak_live_xxxxxxxxxxxx"})
        self.assertEqual((answer.status_code, answer.json()["error"]), (401, "invalid_api_key"))


if __name__ == "__main__":
    report(Machine)
