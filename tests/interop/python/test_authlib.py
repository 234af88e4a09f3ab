"""Authlib against the real binary: code flow with PKCE and verification, userinfo, refresh, machines, introspection, revocation."""

import unittest

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from given import ISSUER, admin, report
from person import Person

CALLBACK = "https://app.example.com/callback"


class Authlib(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=20).json()
        cls.client = admin("client", "create", "--name", "Python app", "--type", "web", "--redirect-uri", CALLBACK)
        cls.user = {"email": "ann@example.com", "password": "correct horse battery"}
        created = admin("user", "create", "--email", "ann@example.com", "--name", "Ann Lee", "--password-stdin", "--verified", line="correct horse battery\n")
        cls.user["id"] = created["id"]

    def session(self, client=None, **extra):
        client = client or self.client
        return OAuth2Session(client["client_id"], client.get("client_secret"), redirect_uri=CALLBACK, **extra)

    def sign_in(self, session, **extra):
        """The code flow; gives the token response and the nonce that was sent."""
        verifier, nonce = generate_token(48), generate_token(20)
        url, state = session.create_authorization_url(self.metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **extra)
        landed = Person(ISSUER).sign_in_to(url, self.user)
        endpoint = self.metadata["token_endpoint"]
        return session.fetch_token(endpoint, authorization_response=landed, state=state, code_verifier=verifier), nonce

    def verified(self, token, nonce, client):
        """The claims of the ID token, checked against the published keys."""
        keys = KeySet.import_key_set(requests.get(self.metadata["jwks_uri"], timeout=20).json())
        decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
        params = {"nonce": nonce, "client_id": client["client_id"], "access_token": token["access_token"]}
        options = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": client["client_id"]}}
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=5)
        return claims

    def test_code_flow_with_pkce_and_a_verified_id_token(self):
        session = self.session(scope="openid profile email", code_challenge_method="S256")
        token, nonce = self.sign_in(session)
        claims = self.verified(token, nonce, self.client)
        self.assertEqual(claims["sub"], self.user["id"])
        self.assertEqual(claims["email"], self.user["email"])
        self.assertTrue(claims["at_hash"])

    def test_public_client(self):
        client = admin("client", "create", "--name", "Python tool", "--type", "native", "--redirect-uri", CALLBACK)
        session = self.session(client, scope="openid", code_challenge_method="S256", token_endpoint_auth_method="none")
        token, nonce = self.sign_in(session)
        self.assertEqual(self.verified(token, nonce, client)["sub"], self.user["id"])

    def test_userinfo(self):
        session = self.session(scope="openid profile email", code_challenge_method="S256")
        self.sign_in(session)
        info = session.get(self.metadata["userinfo_endpoint"]).json()
        self.assertEqual((info["sub"], info["name"]), (self.user["id"], "Ann Lee"))

    def test_refresh_tokens_rotate(self):
        session = self.session(scope="openid offline_access", code_challenge_method="S256")
        first, _ = self.sign_in(session)
        second = session.refresh_token(self.metadata["token_endpoint"], refresh_token=first["refresh_token"])
        self.assertNotEqual(second["refresh_token"], first["refresh_token"])
        self.assertNotEqual(second["access_token"], first["access_token"])
        third = session.refresh_token(self.metadata["token_endpoint"], refresh_token=second["refresh_token"])
        self.assertNotEqual(third["refresh_token"], second["refresh_token"])

    def test_revoked_tokens_cannot_be_refreshed(self):
        session = self.session(scope="openid offline_access", code_challenge_method="S256")
        token, _ = self.sign_in(session)
        answer = session.revoke_token(self.metadata["revocation_endpoint"], token["refresh_token"], token_type_hint="refresh_token")
        self.assertEqual(answer.status_code, 200)
        with self.assertRaisesRegex(OAuthError, "invalid_grant"):
            session.refresh_token(self.metadata["token_endpoint"], refresh_token=token["refresh_token"])

    def test_introspection(self):
        session = self.session(scope="openid", code_challenge_method="S256")
        token, _ = self.sign_in(session)
        endpoint = self.metadata["introspection_endpoint"]
        self.assertTrue(session.introspect_token(endpoint, token["access_token"]).json()["active"])
        self.assertEqual(session.introspect_token(endpoint, "nonsense").json(), {"active": False})

    def test_client_credentials(self):
        client = admin("client", "create", "--name", "Nightly", "--type", "m2m", "--audience", "https://api.example.com")
        session = self.session(client)
        token = session.fetch_token(self.metadata["token_endpoint"], grant_type="client_credentials")
        keys = KeySet.import_key_set(requests.get(self.metadata["jwks_uri"], timeout=20).json())
        claims = jwt.decode(token["access_token"], keys, algorithms=["RS256"]).claims
        self.assertEqual(claims["sub"], client["client_id"])
        self.assertIn("https://api.example.com", [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"])

    def test_a_wrong_secret_is_invalid_client(self):
        with self.assertRaisesRegex(OAuthError, "invalid_client"):
            self.session(dict(self.client, client_secret="wrong")).fetch_token(self.metadata["token_endpoint"], grant_type="client_credentials")


if __name__ == "__main__":
    report(Authlib)
