"""The server of the moment, its administration, and how a file of tests reports to run.mjs."""

import json
import os
import subprocess
import sys
import time
import traceback
import unittest

GIVEN = json.loads(os.environ["AUTHER_GIVEN_SERVER"])
ISSUER = GIVEN["issuer"]


def admin(*args, line=None):
    """`auther admin …` with --json."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AUTHER_")}
    command = [os.environ["AUTHER_BIN"], "admin", *args, "--json"]
    done = subprocess.run(command, input=line, cwd=GIVEN["folder"], env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Lines(unittest.TestResult):
    """One line of JSON per test, for run.mjs."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def say(self, test, passed, error=None):
        name = getattr(test, "_testMethodName", str(test)).removeprefix("test_").replace("_", " ")
        spent = (time.monotonic() - getattr(self, "began", time.monotonic())) * 1000
        print(json.dumps({"name": name, "passed": passed, "milliseconds": spent, "error": error}), flush=True)

    def addSuccess(self, test):
        self.say(test, True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say(test, False, "".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self.say(test, False, "".join(traceback.format_exception(*err)))


def report(*cases):
    """Runs these and ends the process."""
    result = Lines()
    for case in cases:
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
