// Code for servers in Python, Go and Java. See snippets.js.
import { originOf, pathOf, portOf } from "./snippets-words.js";

export function python(given) {
  const proof = given.isPublic ? "" : `\n    client_secret=os.environ["AUTHER_CLIENT_SECRET"],`;
  const none = given.isPublic ? `, "token_endpoint_auth_method": "none"` : "";
  const isHttps = given.redirectUri.startsWith("https:");
  return {
    id: "python",
    title: "Python",
    about: "Authlib with Flask; the same settings work with its Django, Starlette and FastAPI clients.",
    install: "pip install authlib flask requests",
    files: [
      [
        "app.py",
        `import os
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session

app = Flask(__name__)
app.secret_key = os.environ["SESSION_SECRET"]
app.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=${isHttps ? "True" : "False"})

oauth = OAuth(app)
oauth.register(
    "auther",
    client_id="${given.clientId}",${proof}
    server_metadata_url="${given.discovery}",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"${none}},
)


@app.get("/sign-in")
def sign_in():
    return oauth.auther.authorize_redirect("${given.redirectUri}")


@app.get("${pathOf(given.redirectUri)}")
def callback():
    token = oauth.auther.authorize_access_token()  # verifies state, signature, issuer, audience, times and nonce
    claims = token["userinfo"]
    session["user"] = {key: claims.get(key) for key in ("sub", "name", "email", "permissions")}
    return redirect("/")


@app.get("/sign-out")
def sign_out():
    session.clear()  # of this app; then of Auther, which asks first
    return redirect("${given.endpoints.endSession}?" + urlencode({"client_id": "${given.clientId}"}))


@app.get("/")
def home():
    return session.get("user") or {"sign in": "/sign-in"}
`,
      ],
    ],
    run: `SESSION_SECRET=$(openssl rand -hex 32)${given.isPublic ? "" : " AUTHER_CLIENT_SECRET=cs_…"} flask --app app run --port ${portOf(given.redirectUri, "5000")}`,
  };
}

export function go(given) {
  const secret = given.isPublic ? "" : `\n\t\tClientSecret: os.Getenv("AUTHER_CLIENT_SECRET"),`;
  const isHttps = given.redirectUri.startsWith("https:");
  // gofmt lines the values up below the longest name.
  const pad = given.isPublic ? "" : " ";
  return {
    id: "go",
    title: "Go",
    about: "coreos/go-oidc 3 with golang.org/x/oauth2.",
    install: "go get github.com/coreos/go-oidc/v3/oidc golang.org/x/oauth2",
    files: [
      [
        "main.go",
        `package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"
	"net/http"
${given.isPublic ? "" : `	"os"\n`}
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func random() string {
	bytes := make([]byte, 32)
	if _, err := rand.Read(bytes); err != nil {
		log.Fatal(err)
	}
	return hex.EncodeToString(bytes)
}

// What this browser began, in cookies that live ten minutes.
func keep(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 600, HttpOnly: true, Secure: ${isHttps}, SameSite: http.SameSiteLaxMode})
}

func kept(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func main() {
	provider, err := oidc.NewProvider(context.Background(), "${given.issuer}")
	if err != nil {
		log.Fatal(err)
	}
	config := oauth2.Config{
		ClientID:    ${pad}"${given.clientId}",${secret}
		RedirectURL: ${pad}"${given.redirectUri}",
		Endpoint:    ${pad}provider.Endpoint(),
		Scopes:      ${pad}[]string{oidc.ScopeOpenID, "profile", "email"},
	}
	idTokens := provider.Verifier(&oidc.Config{ClientID: config.ClientID})

	http.HandleFunc("/sign-in", func(w http.ResponseWriter, r *http.Request) {
		state, nonce, verifier := random(), random(), oauth2.GenerateVerifier()
		keep(w, "state", state)
		keep(w, "nonce", nonce)
		keep(w, "verifier", verifier)
		http.Redirect(w, r, config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusFound)
	})

	http.HandleFunc("${pathOf(given.redirectUri)}", func(w http.ResponseWriter, r *http.Request) {
		if state := kept(r, "state"); state == "" || r.URL.Query().Get("state") != state {
			http.Error(w, "This answer belongs to another sign-in. Begin again.", http.StatusBadRequest)
			return
		}
		token, err := config.Exchange(r.Context(), r.URL.Query().Get("code"), oauth2.VerifierOption(kept(r, "verifier")))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		raw, _ := token.Extra("id_token").(string)
		idToken, err := idTokens.Verify(r.Context(), raw)
		if err != nil || idToken.Nonce != kept(r, "nonce") {
			http.Error(w, "The ID token is not valid.", http.StatusBadRequest)
			return
		}
		var claims struct {
			Sub, Name, Email string
			Permissions      map[string][]string
		}
		if err := idToken.Claims(&claims); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// Make a session of your own here.
		fmt.Fprintf(w, "Hello, %s (%s)\\n", claims.Name, claims.Email)
	})

	http.HandleFunc("/sign-out", func(w http.ResponseWriter, r *http.Request) {
		// End the session of your own here; then that of Auther, which asks first.
		http.Redirect(w, r, "${given.endpoints.endSession}?client_id=${given.clientId}", http.StatusFound)
	})

	log.Fatal(http.ListenAndServe(":${portOf(given.redirectUri, "3000")}", nil))
}
`,
      ],
    ],
  };
}

// Spring comes back to /login/oauth2/code/{registration} unless it is told another path.
export function java(given) {
  const proof = given.isPublic
    ? "client-authentication-method: none"
    : `client-secret: \${AUTHER_CLIENT_SECRET}\n            client-authentication-method: client_secret_basic`;
  const usual = `${originOf(given.redirectUri)}/login/oauth2/code/auther`;
  const isUsual = given.redirectUri === usual;
  return {
    id: "java",
    title: "Java",
    about: "Spring Boot 3 with Spring Security.",
    install: "implementation 'org.springframework.boot:spring-boot-starter-web'\nimplementation 'org.springframework.boot:spring-boot-starter-oauth2-client'",
    installTitle: "build.gradle",
    files: [
      [
        "src/main/resources/application.yml",
        `server:
  port: ${portOf(given.redirectUri, "8080")}
spring:
  security:
    oauth2:
      client:
        registration:
          auther:
            client-id: "${given.clientId}"
            ${proof}
            authorization-grant-type: authorization_code
            redirect-uri: "${given.redirectUri}"
            scope: openid, profile, email
        provider:
          auther:
            issuer-uri: "${given.issuer}"
`,
      ],
      [
        "src/main/java/com/example/SecurityConfig.java",
        `package com.example;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.web.SecurityFilterChain;

@Configuration
class SecurityConfig {
    @Bean
    SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
        var requests = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
        requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
        return http
                .authorizeHttpRequests(all -> all.anyRequest().authenticated())
                .oauth2Login(login -> login
                        .authorizationEndpoint(endpoint -> endpoint.authorizationRequestResolver(requests))${
                          isUsual
                            ? ")"
                            : `
                        .redirectionEndpoint(endpoint -> endpoint.baseUri("${pathOf(given.redirectUri)}")))`
                        }
                .logout(logout -> logout.logoutSuccessHandler(new OidcClientInitiatedLogoutSuccessHandler(clients)))
                .build();
    }
}
`,
      ],
      [
        "src/main/java/com/example/HomeController.java",
        `package com.example;

import java.util.Map;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
class HomeController {
    @GetMapping("/")
    Map<String, Object> home(@AuthenticationPrincipal OidcUser user) {
        return user.getClaims();
    }
}
`,
      ],
    ],
  };
}
