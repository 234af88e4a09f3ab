// Code for machines that get tokens for themselves (client_credentials). See snippets.js.
import { shellWord } from "./snippets-words.js";

const secret = "AUTHER_CLIENT_SECRET";

function curl(given) {
  return {
    id: "curl",
    title: "curl",
    about: "A token for this machine itself. Nobody signs in.",
    files: [["A terminal", `curl ${shellWord(given.endpoints.token)} \\\n  -u "${given.clientId}:$${secret}" \\\n  -d grant_type=client_credentials\n`]],
  };
}

function node(given) {
  const insecure = given.issuer.startsWith("http:") ? ", undefined, { execute: [oidc.allowInsecureRequests] }" : "";
  return {
    id: "node",
    title: "Node",
    about: "openid-client 6.",
    install: "npm install openid-client@6",
    files: [
      [
        "machine.mjs",
        `import * as oidc from "openid-client"

const config = await oidc.discovery(new URL("${given.issuer}"), "${given.clientId}", process.env.${secret}${insecure})
let token
let goodUntil = 0

// The same token until a minute before its end.
export async function accessToken() {
  if (Date.now() > goodUntil) {
    token = await oidc.clientCredentialsGrant(config)
    goodUntil = Date.now() + (token.expires_in - 60) * 1000
  }
  return token.access_token
}
`,
      ],
    ],
  };
}

function python(given) {
  return {
    id: "python",
    title: "Python",
    about: "Authlib gets a new token when the old one ends.",
    install: "pip install authlib requests",
    files: [
      [
        "machine.py",
        `import os

from authlib.integrations.requests_client import OAuth2Session

machine = OAuth2Session(
    "${given.clientId}",
    os.environ["${secret}"],
    token_endpoint="${given.endpoints.token}",
    grant_type="client_credentials",
)
machine.fetch_token()

print(machine.get("${given.audience}/deployments").json())
`,
      ],
    ],
  };
}

function go(given) {
  return {
    id: "go",
    title: "Go",
    about: "golang.org/x/oauth2; its HTTP client renews the token by itself.",
    install: "go get golang.org/x/oauth2",
    files: [
      [
        "main.go",
        `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	config := clientcredentials.Config{
		ClientID:     "${given.clientId}",
		ClientSecret: os.Getenv("${secret}"),
		TokenURL:     "${given.endpoints.token}",
	}
	response, err := config.Client(context.Background()).Get("${given.audience}/deployments")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
}
`,
      ],
    ],
  };
}

function java(given) {
  return {
    id: "java",
    title: "Java",
    about: "Nothing but the JDK.",
    files: [
      [
        "Machine.java",
        `import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;

class Machine {
    public static void main(String[] arguments) throws Exception {
        var pair = "${given.clientId}:" + System.getenv("${secret}");
        var request = HttpRequest.newBuilder(URI.create("${given.endpoints.token}"))
                .header("authorization", "Basic " + Base64.getEncoder().encodeToString(pair.getBytes()))
                .header("content-type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials"))
                .build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.body()); // access_token, token_type, expires_in
    }
}
`,
      ],
    ],
  };
}

export const machineGuides = (given) => [curl, node, python, go, java].map((guide) => guide(given));
