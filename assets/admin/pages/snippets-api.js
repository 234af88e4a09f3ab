// Code for an API that is called with access tokens, in five languages. See snippets.js.

// Every sample checks signature, issuer, audience, times and `token_use`: all kinds of tokens of one issuer are signed with the same keys.
export function api(given) {
  return {
    id: "api",
    title: "Your API",
    about: "Checks the access tokens that the app calls it with: choose the file of your language.",
    install: `npm install jose                                       # Node
go get github.com/coreos/go-oidc/v3/oidc               # Go
pip install 'pyjwt[crypto]'                            # Python
dotnet add package Microsoft.AspNetCore.Authentication.JwtBearer   # .NET`,
    files: [...node(given), ...goFile(given), ...pythonFile(given), ...spring(given), ...dotnet(given)],
  };
}

const node = (given) => [
  [
    "authorize.mjs",
    `import { createRemoteJWKSet, jwtVerify } from "jose"

const issuer = "${given.issuer}"
const audience = "${given.audience}"
const keys = createRemoteJWKSet(new URL("${given.endpoints.jwks}"))

// Express middleware: req.auth is who calls, or the answer is 401.
export async function authorize(req, res, next) {
  const token = req.headers.authorization?.match(/^Bearer (.+)$/i)?.[1]
  if (!token) return res.status(401).json({ error: "missing_token" })
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience })
    if (payload.token_use !== "access") throw new Error("not an access token")
    req.auth = payload // sub, email, scope, permissions, abac_required
  } catch {
    return res.status(401).json({ error: "invalid_token" })
  }
  next()
}
`,
  ],
];

const goFile = (given) => [
  [
    "authorize.go",
    `package main

import (
	"context"
	"log"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

type caller struct {
	Sub         string              \`json:"sub"\`
	Scope       string              \`json:"scope"\`
	TokenUse    string              \`json:"token_use"\`
	Permissions map[string][]string \`json:"permissions"\`
}

// Calls next with who calls, or answers 401.
func authorize(next func(http.ResponseWriter, *http.Request, caller)) http.HandlerFunc {
	provider, err := oidc.NewProvider(context.Background(), "${given.issuer}")
	if err != nil {
		log.Fatal(err)
	}
	tokens := provider.Verifier(&oidc.Config{ClientID: "${given.audience}"})
	return func(w http.ResponseWriter, r *http.Request) {
		_, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		var who caller
		token, err := tokens.Verify(r.Context(), text)
		if err != nil || token.Claims(&who) != nil || who.TokenUse != "access" {
			http.Error(w, "invalid_token", http.StatusUnauthorized)
			return
		}
		next(w, r, who)
	}
}
`,
  ],
];

const pythonFile = (given) => [
  [
    "authorize.py",
    `import jwt

ISSUER = "${given.issuer}"
AUDIENCE = "${given.audience}"
keys = jwt.PyJWKClient("${given.endpoints.jwks}")


def caller(authorization):
    """The claims of the access token in this Authorization header. Raises jwt.InvalidTokenError: answer 401."""
    token = (authorization or "").partition(" ")[2]
    key = keys.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=["RS256", "ES256", "EdDSA"], issuer=ISSUER, audience=AUDIENCE)
    if claims.get("token_use") != "access":
        raise jwt.InvalidTokenError("not an access token")
    return claims  # sub, email, scope, permissions, abac_required
`,
  ],
];

function spring(given) {
  const strict = given.typ === "at+jwt";
  return [
    [
      "Spring Boot: build.gradle",
      `dependencies {
    implementation 'org.springframework.boot:spring-boot-starter-web'
    implementation 'org.springframework.boot:spring-boot-starter-oauth2-resource-server'
}
`,
    ],
    [
      "Spring Boot: src/main/java/com/example/ApiConfig.java",
      `package com.example;

${strict ? "import com.nimbusds.jose.JOSEObjectType;\nimport com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;\n" : ""}import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;

@Configuration
class ApiConfig {
    @Bean
    JwtDecoder accessTokens() {
        var decoder = NimbusJwtDecoder.withIssuerLocation("${given.issuer}")${
          strict
            ? `
                .jwtProcessorCustomizer(processor -> processor.setJWSTypeVerifier(
                        new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt"))))
                .build();`
            : ".build();"
        }
        decoder.setJwtValidator(new DelegatingOAuth2TokenValidator<>(
                JwtValidators.createDefaultWithIssuer("${given.issuer}"),
                new JwtClaimValidator<List<String>>("aud", all -> all != null && all.contains("${given.audience}")),
                new JwtClaimValidator<String>("token_use", "access"::equals)));
        return decoder;
    }

    @Bean
    SecurityFilterChain api(HttpSecurity http) throws Exception {
        return http
                .authorizeHttpRequests(all -> all.anyRequest().authenticated())
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                .build();
    }
}
`,
    ],
  ];
}

const dotnet = (given) => [
  [
    ".NET: Program.cs",
    `using Microsoft.AspNetCore.Authentication.JwtBearer;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(options =>
{
    options.Authority = "${given.issuer}";
    options.Audience = "${given.audience}";
    options.MapInboundClaims = false;
    options.TokenValidationParameters.ValidTypes = ["${given.typ}"];
    options.Events = new JwtBearerEvents
    {
        OnTokenValidated = context =>
        {
            if (context.Principal?.FindFirst("token_use")?.Value != "access") context.Fail("not an access token");
            return Task.CompletedTask;
        },
    };
});
builder.Services.AddAuthorization();

var app = builder.Build();
app.MapGet("/", (HttpContext context) => context.User.FindFirst("sub")?.Value).RequireAuthorization();
app.Run();
`,
  ],
];
