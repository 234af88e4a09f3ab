//! Which redirect URIs may be registered, and which match.

use super::*;

#[test]
fn the_uris_of_the_seeds_can_be_registered() {
    for uri in [
        "https://myapp.example.com/auth/callback",
        "https://spa.example.com/auth/callback",
        "myapp://auth/callback",
        "com.myapp:/callback",
        "https://myapp.example.com/.well-known/assetlinks.json",
        "http://localhost:3000/api/auth/callback/auther",
        "http://127.0.0.1/cb",
        "http://[::1]:8080/cb",
        "https://app.example.com",
        "https://app.example.com/cb?tenant=1",
    ] {
        assert_eq!(check_registrable(uri, PlainHttp::Loopback), Ok(()), "{uri}");
    }
}

#[test]
fn t02_t05_what_confuses_or_runs_cannot_be_registered() {
    for uri in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a/b",
        "https://user@app.example.com/cb",
        "https://user:pw@app.example.com/cb",
        "https://app.example.com@evil.example/cb",
        "https://@app.example.com/cb",
        "https://app.example.com/cb#x",
        "https://*.example.com/cb",
        "https://app.example.com/*",
        "http://app.example.com/cb",
        "http://127.0.0.2/cb",
        "http://2130706433/cb",
        "http://0x7f.1/cb",
        "http://localhost./cb",
        "https://app.example.com\\@evil.example/cb",
        "https:app.example.com",
        "/callback",
        "app.example.com/cb",
        "https://",
        "https://a b/cb",
        "https://app.example.com/a/../cb",
        "https://App.example.com/cb",
        "https://app.example.com:443/cb",
        "https://äpp.example.com/cb",
        "https://app.example.com/\u{202e}cb",
        "https://app.example.com/cb\r\nx:y",
        "",
        "HTTPS://app.example.com/cb",
        "x:",
        "mailto:a@b",
        "MyApp://auth",
        "urn:ietf:wg:oauth:2.0:oob",
        "urn:ietf:wg:oauth:2.0:oob:auto",
        "urn:x:y",
        "http://192.168.1.5/cb",
        "http://nas.lan/cb",
    ] {
        assert!(check_registrable(uri, PlainHttp::Loopback).is_err(), "{uri}");
    }
}

#[test]
fn plain_http_on_a_private_network_is_for_clients_that_are_set_to_it() {
    for uri in [
        "http://10.0.0.7/cb",
        "http://172.16.3.4:8080/cb",
        "http://172.31.255.255/cb",
        "http://192.168.1.5/cb?x=1",
        "http://100.64.0.1/cb",
        "http://[fd00::5]:3000/cb",
        "http://nas.lan/cb",
        "http://grafana.home.arpa:3000/login",
        "http://wiki.corp.internal/cb",
        "http://localhost:3000/cb",
        "https://app.example.com/cb",
    ] {
        assert_eq!(check_registrable(uri, PlainHttp::Private), Ok(()), "{uri}");
    }
    for uri in [
        "http://app.example.com/cb",
        "http://8.8.8.8/cb",
        "http://172.32.0.1/cb",
        "http://100.128.0.1/cb",
        "http://169.254.169.254/cb",
        "http://0.0.0.0/cb",
        "http://127.0.0.2/cb",
        "http://[2001:db8::1]/cb",
        "http://[fe80::1]/cb",
        "http://lan/cb",
        "http://nas.lan.example.com/cb",
        "http://naslan/cb",
        "http://nas.local/cb",
        "http://internal/cb",
        "http://x.internal./cb",
        "http://user@nas.lan/cb",
        "http://192.168.1/cb",
        "http://0xc0.168.1.1/cb",
        "http://[::ffff:192.168.1.5]/cb",
    ] {
        assert!(check_registrable(uri, PlainHttp::Private).is_err(), "{uri}");
    }
}

#[test]
fn t01_near_misses_of_a_registered_uri_do_not_match() {
    let registered = [String::from("https://app.example.com/auth/callback")];
    let base = "https://app.example.com/auth/callback";
    let mut corpus: Vec<String> = vec![
        "https://app.example.com/auth/callback/",
        "https://app.example.com/auth/callback?",
        "https://app.example.com/auth/callback#",
        "https://app.example.com/auth/callback?x=1",
        "https://app.example.com/auth/callback%2f",
        "https://app.example.com/auth%2fcallback",
        "https://app.example.com/auth/./callback",
        "https://app.example.com/auth/x/../callback",
        "https://app.example.com//auth/callback",
        "https://app.example.com/Auth/callback",
        "https://APP.example.com/auth/callback",
        "HTTPS://app.example.com/auth/callback",
        "http://app.example.com/auth/callback",
        "https://app.example.com:443/auth/callback",
        "https://app.example.com:8443/auth/callback",
        "https://app.example.com./auth/callback",
        "https://appXexample.com/auth/callback",
        "https://app.example.com.evil.example/auth/callback",
        "https://evil.example/app.example.com/auth/callback",
        "https://app.example.com@evil.example/auth/callback",
        "https://app.example.com:x@evil.example/auth/callback",
        "https://evil.example#app.example.com/auth/callback",
        "https://evil.example?https://app.example.com/auth/callback",
        "https://app.example.com\\.evil.example/auth/callback",
        "https:\\\\app.example.com\\auth\\callback",
        "https:/app.example.com/auth/callback",
        "https:app.example.com/auth/callback",
        "//app.example.com/auth/callback",
        "https://app.example.com/auth/callback\u{0}",
        "https://app.example.com/auth/callback%00",
        "https://app.example.com/auth/callback;x",
        "https://app.example.com/auth/callback/..",
        "https://app.example.com/auth/callback/../callback",
        "https://xn--pp-example.com/auth/callback",
        "https://аpp.example.com/auth/callback",
        "https://app。example.com/auth/callback",
        "*",
        "https://*",
        "https://app.example.com/*",
        "https://sub.app.example.com/auth/callback",
        "javascript:https://app.example.com/auth/callback",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    // One character dropped, doubled or changed, at every place.
    for at in 0..base.len() {
        corpus.push(format!("{}{}", &base[..at], &base[at + 1..]));
        corpus.push(format!("{}{}{}", &base[..at], &base[at..=at], &base[at..]));
        corpus.push(format!("{}*{}", &base[..at], &base[at + 1..]));
        corpus.push(format!("{} {}", &base[..at], &base[at..]));
    }
    assert!(corpus.len() > 180);
    for uri in &corpus {
        if uri != base {
            assert!(!is_registered(uri, &registered, false), "{uri:?}");
            assert!(!is_registered(uri, &registered, true), "{uri:?} (native)");
        }
    }
    assert!(is_registered(base, &registered, false));
}

#[test]
fn t03_only_the_port_of_a_literal_loopback_address_may_differ() {
    let registered = [String::from("http://127.0.0.1/cb"), String::from("http://[::1]:1/cb?x=1")];
    for good in ["http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb?x=1", "http://[::1]/cb?x=1"] {
        assert!(is_registered(good, &registered, true), "{good}");
    }
    for bad in [
        "http://127.0.0.1:51004/cb/",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost:1/cb",
        "http://127.1:1/cb",
        "http://2130706433:1/cb",
        "https://127.0.0.1:1/cb",
        "http://127.0.0.1:1/cb?x=1",
        "http://127.0.0.1:080/cb",
        "http://127.0.0.1:1evil/cb",
    ] {
        assert!(!is_registered(bad, &registered, true), "{bad}");
    }
    assert!(!is_registered("http://127.0.0.1:51004/cb", &registered, false), "only native apps get the exception");
}

#[test]
fn the_host_of_a_uri_is_compared_and_nothing_else_of_it() {
    for (one, other, same) in [
        ("https://a.example/cb/", "https://a.example/cb", true),
        ("https://a.example:8443/x", "https://a.example/cb", true),
        ("http://localhost:3001/cb", "http://127.0.0.1:3000/cb", true),
        ("https://b.a.example/cb", "https://a.example/cb", false),
        ("https://a.example.evil.example/cb", "https://a.example/cb", false),
        ("https://a.example@evil.example/cb", "https://a.example/cb", false),
        ("myapp://a.example/cb", "myapp://a.example/cb", false),
        ("nonsense", "nonsense", false),
    ] {
        assert_eq!(is_on_host_of(one, other), same, "{one} {other}");
    }
}

#[test]
fn the_nearest_uri_is_found_by_its_beginning_however_long_it_is() {
    let registered: Vec<String> = (0..100).map(|n| format!("https://app{n}.example/{}", "x".repeat(2_000))).collect();
    let sent = format!("https://app42.example/{}", "x".repeat(60_000));
    assert_eq!(nearest(&sent, &registered), registered.get(42));
    assert_eq!(nearest(&sent, &[]), None);
}

#[test]
fn parameters_join_a_query_that_is_there() {
    let pairs = [(String::from("code"), String::from("a b&c"))];
    assert_eq!(with_query("https://a/cb", &pairs), "https://a/cb?code=a+b%26c");
    assert_eq!(with_query("https://a/cb?x=1", &pairs), "https://a/cb?x=1&code=a+b%26c");
    assert_eq!(with_query("myapp://auth/callback", &pairs), "myapp://auth/callback?code=a+b%26c");
}

#[test]
fn an_origin_is_of_the_web_or_of_an_app_shell() {
    assert_eq!(origin("https://a.example:8443/cb").as_deref(), Some("https://a.example:8443"));
    assert_eq!(origin("myapp://auth/cb"), None);
    for good in
        ["https://a.example", "http://localhost:3000", "capacitor://localhost", "tauri://localhost", "x-app://h:81"]
    {
        assert!(is_origin(good), "{good}");
    }
    for bad in [
        "",
        "null",
        "*",
        "https://a.example/",
        "https://a.example/x",
        "https://A.example",
        "https://a.example:443",
        "capacitor://localhost/",
        "capacitor://",
        "capacitor:localhost",
        "file://",
        "file:///x",
        "javascript:alert(1)",
        "javascript://%0aalert(1)",
        "data:text/html,x",
        "capacitor://u@localhost",
        "capacitor://localhost?x",
        "capacitor://localhost, x",
    ] {
        assert!(!is_origin(bad), "{bad}");
    }
}
