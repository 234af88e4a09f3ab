"""JupyterHub's GenericOAuthenticator, as its documentation configures it, without the hub: a person signs in and is known by name and groups.

And the printed API in Python, byte for byte but for its hosts, which takes access tokens and nothing else."""

import asyncio
import pathlib
import re
import unittest

import jwt
import requests
from oauthenticator.generic import GenericOAuthenticator

from given import ISSUER, admin, report
from person import Person

CALLBACK = "https://hub.example.com/hub/oauth_callback"
PASSWORD = "correct horse battery"
AUDIENCE = "https://api.example.com"


class Handler:
    """What JupyterHub gives its authenticator when a person comes back."""

    def __init__(self, code):
        self.code = code

    def get_argument(self, name, default=None):
        return self.code if name == "code" else default


class JupyterHub(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=20).json()
        cls.user = {"email": "ann@example.com", "password": PASSWORD}
        names = ["--email", "ann@example.com", "--name", "Ann Lee", "--password-stdin"]
        cls.user["id"] = admin("user", "create", *names, line=f"{PASSWORD}\n")["id"]
        admin("group", "create", "--name", "writers")
        admin("group", "add-member", "writers", "ann@example.com")

    def authenticator(self, **more):
        client = admin("client", "create", "--name", "Hub", "--type", "web", "--redirect-uri", CALLBACK, "--trusted", "--audience", AUDIENCE)
        return GenericOAuthenticator(
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            oauth_callback_url=CALLBACK,
            authorize_url=self.metadata["authorization_endpoint"],
            token_url=self.metadata["token_endpoint"],
            scope=["openid", "profile", "email", "groups"],
            username_claim="preferred_username",
            enable_pkce=False,
            **(more if "userdata_from_id_token" in more else {**more, "userdata_url": self.metadata["userinfo_endpoint"]}),
        )

    def code(self, authenticator):
        asked = {"client_id": authenticator.client_id, "redirect_uri": CALLBACK, "response_type": "code", "scope": " ".join(authenticator.scope), "state": "s1"}
        landed = Person(ISSUER).sign_in_to(requests.Request("GET", authenticator.authorize_url, params=asked).prepare().url, self.user)
        return re.search(r"[?&]code=([^&]+)", landed)[1]

    def sign_in(self, authenticator):
        return asyncio.run(authenticator.authenticate(Handler(self.code(authenticator))))

    def test_a_person_without_a_username_gets_into_the_hub(self):
        model = self.sign_in(self.authenticator(allow_all=True))
        self.assertEqual(model["name"], "ann@example.com")
        self.assertEqual(model["auth_state"]["oauth_user"]["sub"], self.user["id"])

    def test_groups_let_in_and_make_administrators(self):
        model = self.sign_in(self.authenticator(manage_groups=True, auth_state_groups_key="oauth_user.groups", allowed_groups={"writers"}, admin_groups={"writers"}))
        self.assertEqual((model["groups"], model["admin"]), (["writers"], True))

    def test_the_id_token_says_as_much_as_userinfo(self):
        model = self.sign_in(self.authenticator(allow_all=True, userdata_from_id_token=True))
        self.assertEqual(model["name"], "ann@example.com")

    def test_the_printed_api_takes_access_tokens_and_nothing_else(self):
        page = pathlib.Path(__file__, "../../../../docs/integration.md").resolve().read_text()
        text = re.search(r"```python\n(import jwt\n.*?)```", page, re.S)[1]
        printed = {}
        exec(text.replace("https://auth.example.com", ISSUER), printed)
        for typ in ["JWT", "at+jwt"]:
            hub = self.authenticator()
            admin("client", "update", hub.client_id, "--access-token-typ", typ)
            form = {"grant_type": "authorization_code", "code": self.code(hub), "redirect_uri": CALLBACK}
            tokens = requests.post(hub.token_url, data=form, auth=(hub.client_id, hub.client_secret), timeout=20).json()
            self.assertEqual(printed["caller"](f"Bearer {tokens['access_token']}")["sub"], self.user["id"])
            for wrong in [f"Bearer {tokens['id_token']}", "Bearer x", None]:
                with self.assertRaises(jwt.InvalidTokenError):
                    printed["caller"](wrong)


report(JupyterHub)
