"""A person with a browser that has no JavaScript, on top of requests."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

HEADERS = {"accept": "text/html", "user-agent": "Person/1.0 (tests)", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
MAX_HOPS = 20


class Forms(HTMLParser):
    """The forms of a page with their fields, and the ids on it."""

    def __init__(self, html):
        super().__init__()
        self.forms, self.ids = [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.ids.add(attrs["id"])
        if tag == "form":
            self.forms.append({"action": attrs.get("action", ""), "fields": {}, "buttons": {}})
        elif self.forms and tag == "button" and attrs.get("type", "submit") == "submit":
            self.forms[-1]["buttons"][attrs.get("id")] = (attrs.get("name"), attrs.get("value", ""))
        elif self.forms and tag == "input" and "name" in attrs:
            self.forms[-1]["fields"][attrs["name"]] = attrs.get("value", "")


class Page:
    def __init__(self, url, text):
        parsed = Forms(text)
        self.url, self.text, self.forms, self.ids = url, text, parsed.forms, parsed.ids


class Person:
    def __init__(self, issuer):
        self.issuer = issuer
        self.session = requests.Session()

    def open(self, method, url, data=None):
        """Follows redirects as long as they stay here. Gives a page of ours, or the address of the app as text."""
        for _ in range(MAX_HOPS):
            headers = dict(HEADERS, **({"origin": self.issuer} if method == "POST" else {}))
            answer = self.session.request(method, url, data=data, headers=headers, allow_redirects=False, timeout=20)
            if not answer.is_redirect:
                return Page(url, answer.text)
            url = urljoin(url, answer.headers["location"])
            method, data = "GET", None
            if "{0.scheme}://{0.netloc}".format(urlsplit(url)) != self.issuer:
                return url
        raise AssertionError(f"redirected too often, at last to {url}")

    def press(self, page, button, **filled):
        form = next((form for form in page.forms if button in form["buttons"]), None)
        assert form, f"no button #{button} on {page.url}: {page.text[:400]}"
        name, value = form["buttons"][button]
        data = dict(form["fields"], **filled)
        if name:
            data[name] = value
        return self.open("POST", urljoin(page.url, form["action"]), data)

    def sign_in_to(self, url, user):
        """Signs in if asked and allows if asked; gives the address of the app that the browser was sent to."""
        page = self.open("GET", url)
        if isinstance(page, Page) and "password" in page.ids:
            page = self.press(page, "submit", identifier=user["email"], password=user["password"])
        if isinstance(page, Page) and "consent-allow" in page.ids:
            page = self.press(page, "consent-allow")
        assert isinstance(page, str), f"still at {page.url}: {page.text[:400]}"
        return page
