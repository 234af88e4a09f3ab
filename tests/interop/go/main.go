// A small program in the place of Go programs that read groups and access tokens: the printed code of an API, and what oauth2-proxy, Vault
// and kubelogin do with an ID token and with client_credentials, by the libraries that they use.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	answer, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if answer != nil {
		_ = json.NewEncoder(os.Stdout).Encode(answer)
	}
}

func run(what string, args []string) (any, error) {
	switch what {
	case "api":
		return nil, serve()
	case "groups":
		return groups(args[0], args[1], args[2], args[3])
	case "machine":
		return machine(args[0], args[1], args[2])
	default:
		return nil, fmt.Errorf("unknown: %s", what)
	}
}

// The printed middleware, behind a port of its own.
func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := authorize(func(w http.ResponseWriter, r *http.Request, who caller) {
		_ = json.NewEncoder(w).Encode(who)
	})
	fmt.Println(listener.Addr())
	return http.Serve(listener, handler)
}

// Verifies an ID token, and finds the groups as Vault does: a claim by its name or by a JSON pointer, which must be a list of texts.
func groups(issuer, client, token, claim string) (any, error) {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: client}).Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	var at any
	var all map[string]any
	if err := verified.Claims(&all); err != nil {
		return nil, err
	}
	at = all
	for _, member := range strings.Split(strings.TrimPrefix(claim, "/"), "/") {
		members, ok := at.(map[string]any)
		if !ok || members[member] == nil {
			return nil, fmt.Errorf("%q claim not found in token", claim)
		}
		at = members[member]
	}
	list, ok := at.([]any)
	if !ok {
		return nil, fmt.Errorf("%q claim could not be converted to string list", claim)
	}
	return list, nil
}

// As kubelogin asks for itself: with the scope openid, always.
func machine(issuer, client, secret string) (any, error) {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	config := clientcredentials.Config{ClientID: client, ClientSecret: secret, TokenURL: provider.Endpoint().TokenURL, Scopes: []string{oidc.ScopeOpenID}}
	token, err := config.Token(ctx)
	if err != nil {
		return nil, err
	}
	return token.TokenType, nil
}
