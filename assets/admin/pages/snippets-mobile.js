// Code for phones: the system's browser, PKCE, and a redirect URI with a scheme of the app's own. See snippets.js.
import { schemeOf } from "./snippets-words.js";

export function mobile(given) {
  const custom = given.redirectUris.find((uri) => !/^https?:/.test(uri));
  const uri = custom || given.redirectUri;
  const scheme = schemeOf(uri);
  return {
    id: "mobile",
    title: "iOS and Android",
    secretless: true,
    about: "ASWebAuthenticationSession on iOS, AppAuth on Android: both open the system's browser, so that people see whom they trust.",
    needs: custom || given.type !== "native" ? null : "myapp://auth/callback",
    files: [
      [
        "Auther.swift",
        `import AuthenticationServices
import CryptoKit

struct Tokens: Decodable {
    let access_token: String
    let id_token: String
    let refresh_token: String?
}

enum SignInError: Error {
    case cancelled, foreignAnswer, refused(String)
}

@MainActor
final class Auther: NSObject, ASWebAuthenticationPresentationContextProviding {
    private let issuer = "${given.issuer}"
    private let clientId = "${given.clientId}"
    private let redirectUri = "${uri}"
    private var session: ASWebAuthenticationSession?

    func signIn() async throws -> Tokens {
        let verifier = random()
        let state = random()
        let challenge = base64url(Data(SHA256.hash(data: Data(verifier.utf8))))
        let url = URL(string: "${given.endpoints.authorize}?" + form([
            "client_id": clientId,
            "redirect_uri": redirectUri,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        ]))!
        let back: URL = try await withCheckedThrowingContinuation { continuation in
            let session = ASWebAuthenticationSession(url: url, callbackURLScheme: "${scheme}") { back, error in
                if let back { continuation.resume(returning: back) } else { continuation.resume(throwing: error ?? SignInError.cancelled) }
            }
            session.presentationContextProvider = self
            self.session = session
            session.start()
        }
        let items = URLComponents(url: back, resolvingAgainstBaseURL: false)?.queryItems ?? []
        let answer = Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        guard answer["state"] == state, answer["iss"] == issuer else { throw SignInError.foreignAnswer }
        guard let code = answer["code"] else { throw SignInError.refused(answer["error"] ?? "no code") }
        return try await redeem(code: code, verifier: verifier)
    }

    private func redeem(code: String, verifier: String) async throws -> Tokens {
        var request = URLRequest(url: URL(string: "${given.endpoints.token}")!)
        request.httpMethod = "POST"
        request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
        request.httpBody = Data(form([
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirectUri,
            "client_id": clientId,
            "code_verifier": verifier,
        ]).utf8)
        let (data, response) = try await URLSession.shared.data(for: request)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else { throw SignInError.refused(String(decoding: data, as: UTF8.self)) }
        return try JSONDecoder().decode(Tokens.self, from: data) // keep the refresh token in the Keychain
    }

    func presentationAnchor(for session: ASWebAuthenticationSession) -> ASPresentationAnchor { ASPresentationAnchor() }

    private func random() -> String { base64url(Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })) }

    private func base64url(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    private func form(_ values: [String: String]) -> String {
        let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return values.map { "\\($0.key)=\\($0.value.addingPercentEncoding(withAllowedCharacters: plain)!)" }.joined(separator: "&")
    }
}
`,
      ],
      [
        "SignInActivity.kt (Android)",
        `// build.gradle: implementation("net.openid:appauth:0.11.1")
//               defaultConfig { manifestPlaceholders["appAuthRedirectScheme"] = "${scheme}" }
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import androidx.appcompat.app.AppCompatActivity
import net.openid.appauth.AuthorizationException
import net.openid.appauth.AuthorizationRequest
import net.openid.appauth.AuthorizationResponse
import net.openid.appauth.AuthorizationService
import net.openid.appauth.AuthorizationServiceConfiguration
import net.openid.appauth.ResponseTypeValues

class SignInActivity : AppCompatActivity() {
    private lateinit var service: AuthorizationService

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        service = AuthorizationService(this)
        AuthorizationServiceConfiguration.fetchFromIssuer(Uri.parse("${given.issuer}")) { config, problem ->
            if (config == null) return@fetchFromIssuer failed(problem)
            val request = AuthorizationRequest.Builder(config, "${given.clientId}", ResponseTypeValues.CODE, Uri.parse("${uri}"))
                .setScope("openid profile email offline_access")
                .build() // with state, nonce and PKCE
            @Suppress("DEPRECATION")
            startActivityForResult(service.getAuthorizationRequestIntent(request), 1)
        }
    }

    @Deprecated("Deprecated in Java")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        super.onActivityResult(requestCode, resultCode, data)
        val response = data?.let { AuthorizationResponse.fromIntent(it) } ?: return failed(data?.let { AuthorizationException.fromIntent(it) })
        service.performTokenRequest(response.createTokenExchangeRequest()) { tokens, problem ->
            if (tokens == null) failed(problem) else signedIn(tokens.idToken!!, tokens.accessToken!!)
        }
    }

    private fun signedIn(idToken: String, accessToken: String) = finish()

    private fun failed(problem: AuthorizationException?) = finish()

    override fun onDestroy() {
        service.dispose()
        super.onDestroy()
    }
}
`,
      ],
    ],
  };
}
