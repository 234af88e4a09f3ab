"""Schemathesis: requests made up from the description of the admin API, fitting and not; the server never fails and answers as it says it does."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import requests

from given import ISSUER, admin, report

ROOT = {"email": "root@example.com", "password": "correct horse battery"}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SEED = "20260131"

# What could end the session that the requests are signed with. These are tried with an API key, which they do not end.
ENDS_SESSIONS = {
    "delete_sessions_session": "ends the session of that id, which may be the one in use",
    "delete_users_user_sessions": "ends all sessions of a person, who may be the caller",
    "post_users_user_password": "ends all sessions of a person, who may be the caller",
    "post_users_user_disable": "ends all sessions of a person, who may be the caller",
    "delete_users_user": "ends all sessions of a person, who may be the caller",
}

# What there is, so that bodies and not only ids are checked.
KNOWN = {"user": "bob@example.com", "client": "wiki", "group": "Staff", "type": "doc"}


def run(credential, *more, known=False):
    """Runs schemathesis; gives what it found, in words, or nothing, and how many operations it tried."""
    with tempfile.TemporaryDirectory() as folder:
        told = os.path.join(folder, "report.json")
        if known:
            with open(os.path.join(folder, "schemathesis.toml"), "w") as out:
                out.write("[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in KNOWN.items()))
        command = [
            os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run", f"{ISSUER}/api/admin/openapi.json",
            "--header", credential, "--generation-with-security-parameters", "false", "--checks", CHECKS, "--seed", SEED,
            "--generation-database", "none", "--no-shrink", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off",
            "--tls-verify", os.environ["REQUESTS_CA_BUNDLE"], "--request-timeout", "20", "--no-color",
            "--report", "json", "--report-json-path", told, *more,
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
        said = f"{done.stdout}\n{done.stderr}"
        if not os.path.exists(told):
            return said, 0
        with open(told) as file:
            operations = json.load(file)["operations"]
        is_good = done.returncode == 0 and operations["tested"] == operations["selected"]
        return None if is_good else said, operations["tested"]


def operations(flag):
    return [word for name in ENDS_SESSIONS for word in (flag, name)]


class Schemathesis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for email, extra in [(ROOT["email"], ["--admin"]), (KNOWN["user"], [])]:
            admin("user", "create", "--email", email, "--password-stdin", "--verified", *extra, line=ROOT["password"] + "\n")

    def setUp(self):
        # What one test takes away is there for the next.
        listed = {client["client_id"] for client in admin("client", "list")["items"]}
        if KNOWN["client"] not in listed:
            admin("client", "create", "--name", "Wiki", "--type", "web", "--client-id", "wiki", "--redirect-uri", "https://wiki.example.com/cb")
        if not any(group["name"] == KNOWN["group"] for group in admin("group", "list", "--limit", "500")["items"]):
            admin("group", "create", "--name", KNOWN["group"])
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"relations": {"owner": {}}, "permissions": {"read": {"relation": "owner"}}}, file)
            file.flush()
            admin("model", "put", KNOWN["type"], "--file", file.name)
        signed_in = requests.post(f"{ISSUER}/api/auth/sign-in/email", json=ROOT, headers={"origin": ISSUER}, timeout=20).json()
        self.session = {"authorization": f"Bearer {signed_in['token']}"}

    def tries(self, header, *more, least, known=False):
        ((name, value),) = header.items()
        wrong, tested = run(f"{name}: {value}", *more, known=known)
        self.assertIsNone(wrong, wrong)
        self.assertGreaterEqual(tested, least)
        still = requests.get(f"{ISSUER}/api/admin/me", headers=header, timeout=20)
        self.assertEqual((still.status_code, still.json().get("is_admin")), (200, True), "the credential was good to the end")

    def test_what_is_there_is_read_and_changed_as_described(self):
        phases = ["--phases", "coverage,fuzzing", "--max-examples", "10", "--exclude-method", "DELETE"]
        self.tries(self.session, *phases, *operations("--exclude-operation-id"), least=60, known=True)

    def test_made_up_ids_are_answered_as_described(self):
        phases = ["--phases", "fuzzing", "--max-examples", "10"]
        self.tries(self.session, *phases, *operations("--exclude-operation-id"), least=70)

    def test_what_ends_sessions_is_answered_as_described(self):
        key = admin("api-key", "create", "--name", "Schemathesis")
        admin("tuple", "add", "platform", "*", "admin", "apikey", key["id"])
        phases = ["--phases", "coverage,fuzzing", "--max-examples", "10"]
        self.tries({"x-api-key": key["key"]}, *phases, *operations("--include-operation-id"), least=len(ENDS_SESSIONS))


if __name__ == "__main__":
    report(Schemathesis)
