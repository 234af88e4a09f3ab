//! Every page, drawn and read.

use super::*;
use askama::Template;
use std::collections::BTreeSet;

/// Every page in every shape it has, by name.
fn pages() -> Vec<(&'static str, String)> {
    let draw = |view: &dyn askama::DynTemplate| view.dyn_render().unwrap();
    let failed =
        FormErrors::not_matching().and("identifier", "Write the e-mail or the username.").and("name", "Too long.");
    let shell = Shell::sample;
    vec![
        ("sign-in", draw(&SignIn::sample())),
        ("sign-in-plain", draw(&SignIn { shell: shell(), sign_up_href: None, ..SignIn::sample() })),
        ("sign-in-wrong", draw(&SignIn { identifier: "ann".into(), errors: failed.clone(), ..SignIn::sample() })),
        ("sign-in-delayed", draw(&SignIn { errors: FormErrors::delayed(30), pause: Some(30), ..SignIn::sample() })),
        ("sign-in-busy", draw(&SignIn { errors: FormErrors::overloaded(5), ..SignIn::sample() })),
        ("sign-in-confirm", draw(&SignIn::sample_confirm())),
        ("choose-account", draw(&ChooseAccount::sample())),
        ("sign-up", draw(&SignUp::sample())),
        ("sign-up-wrong", draw(&SignUp { errors: failed.clone(), ..SignUp::sample() })),
        ("sign-up-closed", draw(&SignUpClosed::sample())),
        ("sign-up-invite", draw(&SignUpClosed { reason: SignUpRefusal::InviteNeeded, ..SignUpClosed::sample() })),
        ("sign-up-bad", draw(&SignUpClosed { reason: SignUpRefusal::InviteInvalid, ..SignUpClosed::sample() })),
        ("set-up", draw(&SetUp::sample())),
        ("set-up-wrong", draw(&SetUp { errors: failed, ..SetUp::sample() })),
        ("reset-password", draw(&ResetPassword::sample())),
        ("reset-password-first", draw(&ResetPassword { is_first: true, ..ResetPassword::sample() })),
        ("forgot-password", draw(&ForgotPassword::sample(LinkNeeded::Forgotten))),
        ("forgot-password-contact", draw(&helped(LinkNeeded::Forgotten, "help@example.com"))),
        ("reset-password-closed", draw(&helped(LinkNeeded::Invalid, "the IT desk, room 12"))),
        ("set-up-missing", draw(&SetUpClosed { reason: SetUpRefusal::Missing, ..SetUpClosed::sample() })),
        ("set-up-invalid", draw(&SetUpClosed { reason: SetUpRefusal::Invalid, ..SetUpClosed::sample() })),
        ("set-up-expired", draw(&SetUpClosed::sample())),
        ("set-up-awaited", draw(&SetUpClosed { reason: SetUpRefusal::Awaited, ..SetUpClosed::sample() })),
        ("set-up-finished", draw(&SetUpClosed { reason: SetUpRefusal::Finished, ..SetUpClosed::sample() })),
        ("consent", draw(&Consent::sample())),
        ("no-access", draw(&NoAccess::sample())),
        ("no-access-form-post", draw(&NoAccess::sample_form_post())),
        ("log-out", draw(&LogOut::sample())),
        ("log-out-plain", draw(&LogOut { shell: shell(), account: None, ..LogOut::sample() })),
        ("logged-out", draw(&LoggedOut::sample())),
        ("form-post", draw(&FormPost::sample())),
        ("lead-on", draw(&LeadOn { shell: shell(), href: "/sign-in?continue=x".to_owned() })),
        ("error-refused", draw(&ErrorPage::sample())),
        ("error-forbidden", draw(&ErrorPage::forbidden(shell()))),
        ("error-stale", draw(&ErrorPage::stale_form(shell()))),
        ("error-not-found", draw(&ErrorPage::not_found(shell()))),
        ("error-too-many", draw(&ErrorPage::too_many(shell(), 60))),
        (
            "error-internal",
            draw(&ErrorPage::internal(shell().for_app("Grafana")).with_reference("E-9XQ2", "req_01K5W3QZ8Y7T")),
        ),
        ("error-unavailable", draw(&ErrorPage::unavailable(shell(), 5))),
        ("home", draw(&Home::sample())),
        ("home-signed-in", draw(&Home::sample_signed_in(false))),
        ("home-first-app", draw(&Home::sample_signed_in(true))),
        ("notice", draw(&Notice::sample())),
    ]
}

/// The page for a forgotten password where the operator says who helps.
fn helped(reason: LinkNeeded, contact: &str) -> ForgotPassword {
    let page = ForgotPassword::sample(reason);
    let contact = Some(crate::config::Contact::of(contact.to_owned()));
    ForgotPassword { shell: Shell { contact, ..page.shell }, ..page }
}

/// The start tags with this name, each as its text between `<` and `>`.
fn tags<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split('<')
        .skip(1)
        .filter(|tag| tag.split([' ', '>', '\n']).next() == Some(name))
        .map(|tag| tag.split('>').next().unwrap_or(""))
        .collect()
}

/// The value of an attribute in a start tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// Every value of this attribute on the page.
fn values<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn pages_hold_nothing_that_the_content_security_policy_forbids() {
    for (name, page) in pages() {
        assert!(!page.contains("style=") && !page.contains("<style"), "{name}");
        assert!(!page.contains("javascript:") && !page.contains("<iframe") && !page.contains("<base"), "{name}");
        for tag in page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or("")) {
            let handler = |word: &str| word.starts_with("on") && word.contains('=');
            assert!(!tag.split_whitespace().skip(1).any(handler), "{name}: {tag}");
        }
        for script in page.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{name}: a script of its own file");
            assert!(script.contains("></script>"), "{name}: a script without text");
        }
    }
}

#[test]
fn pages_ask_nobody_else_for_anything() {
    for (name, page) in pages() {
        for loaded in values(&page, "src") {
            assert!(loaded.starts_with("/assets/"), "{name}: {loaded}");
        }
        for tag in tags(&page, "link") {
            assert!(attribute(tag, "href").is_some_and(|href| href.starts_with("/assets/")), "{name}: {tag}");
        }
        let given = [
            "https://grafana.example.com/bye?state=7",
            "https://grafana.example.com/callback",
            "mailto:help@example.com",
        ];
        for leads in values(&page, "href").into_iter().chain(values(&page, "action")) {
            let ours = leads.starts_with('/') && !leads.starts_with("//");
            assert!(ours || leads.starts_with('#') || given.contains(&leads), "{name}: {leads}");
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_id_is_there_once() {
    for (name, page) in pages() {
        let ids = values(&page, "id");
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{name}: {ids:?}");
        for input in tags(&page, "input").into_iter().filter(|input| attribute(input, "type") != Some("hidden")) {
            let id = attribute(input, "id").unwrap();
            assert!(page.contains(&format!("<label for=\"{id}\">")), "{name}: {id}");
            assert!(attribute(input, "autocomplete").is_some(), "{name}: {id}");
        }
        for references in values(&page, "aria-describedby").into_iter().chain(values(&page, "aria-labelledby")) {
            for id in references.split(' ') {
                assert!(ids.contains(&id), "{name}: {id}");
            }
        }
        for target in values(&page, "href").into_iter().filter_map(|href| href.strip_prefix('#')) {
            assert!(ids.contains(&target) || target == "name", "{name}: {target}");
        }
    }
}

#[test]
fn every_page_has_one_heading_a_title_a_language_and_one_focus() {
    for (name, page) in pages() {
        assert_eq!(tags(&page, "h1").len(), 1, "{name}");
        assert_eq!(tags(&page, "main").len(), 1, "{name}");
        assert!(page.starts_with("<!doctype html>") && page.contains("<html lang=\"en\">"), "{name}");
        let title = page.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(title.ends_with(" · id.example.com") && title.len() > 20 && title.trim() == title, "{name}: {title}");
        assert!(page.matches(" autofocus").count() <= 1, "{name}");
        assert!(page.len() < 12_000, "{name}: {}", page.len());
    }
}

#[test]
fn forms_carry_the_names_and_ids_others_rely_on() {
    let expected: [(&str, &str, &[&str], &[&str]); 8] = [
        (
            "sign-in",
            "/sign-in",
            &["csrf_token", "continue", "identifier", "password"],
            &["identifier", "password", "submit"],
        ),
        (
            "sign-in-confirm",
            "/sign-in",
            &["csrf_token", "continue", "identifier", "password"],
            &["identifier", "password", "submit"],
        ),
        ("choose-account", "/choose-account", &["csrf_token", "continue", "action"], &["submit", "other-account"]),
        (
            "sign-up",
            "/sign-up",
            &["csrf_token", "continue", "invite", "name", "email", "password"],
            &["identifier", "password", "submit"],
        ),
        (
            "set-up",
            "/setup",
            &["csrf_token", "token", "name", "email", "password"],
            &["identifier", "password", "submit"],
        ),
        (
            "reset-password",
            "/reset-password",
            &["csrf_token", "token", "email", "password"],
            &["identifier", "password", "submit"],
        ),
        ("consent", "/consent", &["csrf_token", "continue", "action"], &["consent-allow", "consent-deny"]),
        ("log-out", "/logout", &["csrf_token", "continue", "action"], &["logout-confirm"]),
    ];
    let pages = pages();
    for (name, action, names, ids) in expected {
        let page = &pages.iter().find(|(known, _)| *known == name).unwrap().1;
        let form = page.split_once("<form ").unwrap().1.split_once("</form>").unwrap().0;
        assert!(form.starts_with(&format!("method=\"post\" action=\"{action}\"")), "{name}");
        let found: BTreeSet<_> = values(form, "name").into_iter().collect();
        assert_eq!(found, names.iter().copied().collect(), "{name}");
        for id in ids {
            assert!(values(form, "id").contains(id), "{name}: {id}");
        }
    }
}

#[test]
fn a_form_post_page_sends_what_it_was_given() {
    let page = FormPost::sample().render().unwrap();
    assert!(page.contains("<form id=\"form-post\" method=\"post\" action=\"https://grafana.example.com/callback\">"));
    assert!(page.contains("<input type=\"hidden\" name=\"code\" value=\"code-sample\">"));
    assert!(page.contains("<input type=\"hidden\" name=\"iss\" value=\"https://id.example.com\">"));
    let (_, after_form) = page.split_once("</form>").unwrap();
    assert!(after_form.contains("<script src=\"/assets/form-post."), "the script stands after the form it sends");
}

#[test]
fn the_way_back_from_an_app_that_is_closed_is_as_the_app_asked_for_it() {
    let link = NoAccess::sample().render().unwrap();
    assert!(
        link.contains("id=\"back-to-app\" href=\"https://grafana.example.com/callback\"") && !link.contains("<form")
    );
    let form = NoAccess::sample_form_post().render().unwrap();
    assert!(form.contains("<form method=\"post\" action=\"https://grafana.example.com/callback\">"));
    assert!(form.contains("<input type=\"hidden\" name=\"error\" value=\"access_denied\">"));
    for page in [link, form] {
        assert!(page.contains("id=\"other-account\"") && page.contains("Reference req_01K5W3QZ8Y7T</p>"));
    }
}

#[test]
fn mistakes_are_told_above_and_beside_and_take_the_focus() {
    let errors = FormErrors::saying("It did not fit.").and("identifier", "No such thing.");
    let page = SignIn { identifier: "ann".into(), errors, ..SignIn::sample() }.render().unwrap();
    let summary = tags(&page, "div").into_iter().find(|tag| attribute(tag, "id") == Some("error-summary")).unwrap();
    assert!(summary.contains("role=\"alert\"") && summary.contains("tabindex=\"-1\"") && summary.contains("autofocus"));
    assert!(page.contains("<p>It did not fit.</p>"));
    assert!(page.contains("<a href=\"#identifier\">No such thing.</a>"));
    assert!(page.contains("<p class=\"wrong\" id=\"identifier-error\">No such thing.</p>"));
    let inputs = tags(&page, "input");
    let input = inputs.iter().find(|tag| attribute(tag, "id") == Some("identifier")).unwrap();
    assert_eq!(attribute(input, "aria-describedby"), Some("identifier-error"));
    assert_eq!(attribute(input, "aria-invalid"), Some("true"));
    assert_eq!(attribute(input, "value"), Some("ann"));
    assert!(page.contains("<title>Error: Sign in to Grafana"));
}

#[test]
fn a_typed_password_never_comes_back() {
    for (name, page) in pages() {
        for input in tags(&page, "input").into_iter().filter(|input| attribute(input, "type") == Some("password")) {
            assert_eq!(attribute(input, "value"), None, "{name}");
        }
    }
}

#[test]
fn hostile_words_stay_words() {
    let bad = || "\"><script>alert('1')</script>&".to_owned();
    let shell = Shell { provider: bad(), ..Shell::sample().for_app(&bad()) };
    let errors = FormErrors::saying(bad()).and("identifier", bad());
    let account = Account { name: bad(), email: bad() };
    let views = [
        SignIn {
            shell: shell.clone(),
            csrf: bad(),
            continue_token: bad(),
            errors: errors.clone(),
            identifier: bad(),
            pause: Some(30),
            confirm: Some(Confirm { name: bad(), other_account_href: bad() }),
            sign_up_href: None,
        }
        .render(),
        SignUp {
            shell: shell.clone(),
            errors,
            invite: bad(),
            name: bad(),
            email: bad(),
            sign_in_href: Some(bad()),
            ..SignUp::sample()
        }
        .render(),
        Consent {
            shell: shell.clone(),
            account: account.clone(),
            scopes: vec![ScopeLine::custom(&bad(), &bad()).showing(&bad())],
            return_to: bad(),
            ..Consent::sample()
        }
        .render(),
        NoAccess {
            shell: shell.clone(),
            account: account.clone(),
            other_account_href: bad(),
            back_href: bad(),
            back_fields: vec![HiddenField { name: bad(), value: bad() }],
            reference: bad(),
        }
        .render(),
        LoggedOut { shell: shell.clone(), return_href: Some(bad()), sign_in_href: bad() }.render(),
        FormPost::new(shell.clone(), bad(), [(bad(), bad())]).render(),
        ErrorPage { shell: shell.clone(), heading: bad(), why: bad(), next_step: bad(), ..ErrorPage::sample() }
            .with_detail(&bad(), &bad())
            .with_difference((&bad(), &bad()), (&bad(), "other"))
            .with_reference(&bad(), &bad())
            .render(),
        Home { shell, account: Some(account), issuer: bad(), ..Home::sample_signed_in(true) }.render(),
    ];
    for page in views {
        let page = page.unwrap();
        assert!(!page.contains("<script>") && !page.contains("\"><script") && !page.contains("alert('"), "{page}");
        assert!(page.contains("&#60;script&#62;"));
    }
}

#[test]
fn links_and_forms_stay_under_the_path_of_their_tenant() {
    let shell = || Shell::sample_below("/t/acme");
    let page = SignIn { shell: shell(), ..SignIn::sample() }.render().unwrap();
    assert!(page.contains("action=\"/t/acme/sign-in\""));
    let page = ErrorPage::not_found(shell()).render().unwrap();
    assert!(page.contains("href=\"/t/acme/\""));
}

/// The colours of the stylesheet: the light ones, and the dark ones over them.
fn colours() -> [Vec<(String, [f64; 3])>; 2] {
    let sheet = include_str!("../../../assets/static/auther.css");
    let (light, dark) = sheet.split_once("@media (prefers-color-scheme: dark)").unwrap();
    [light, dark.split_once("/* Elements */").unwrap().0].map(|part| {
        let lines =
            part.lines().filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": #"));
        lines
            .map(|(name, hex)| {
                (name.to_owned(), [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap())))
            })
            .collect()
    })
}

/// Contrast ratio of two colours (WCAG 2.2, section 1.4.3).
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] = colour.map(|part| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn words_and_edges_stand_out_in_light_and_in_dark() {
    for colours in colours() {
        let colour = |name: &str| colours.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name}")).1;
        let enough = |front: &str, back: &str, least: f64| {
            let found = contrast(colour(front), colour(back));
            assert!(found >= least, "{front} on {back}: {found:.2}");
        };
        for back in ["background", "raised", "sunken"] {
            for front in ["text", "muted", "accent", "accent-strong", "success", "warning", "danger"] {
                enough(front, back, 4.5);
            }
            enough("line-strong", back, 3.0);
        }
        enough("on-accent", "accent", 4.5);
        enough("on-accent", "accent-strong", 4.5);
        enough("text", "danger-tint", 4.5);
        enough("danger", "danger-tint", 4.5);
    }
}

#[test]
fn a_page_with_all_it_loads_stays_small() {
    let packed = ["auther.css", "auther.js", "favicon.svg", "form-post.js"].map(|name| {
        let file = std::fs::read(format!("{}/assets/static/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &file).unwrap();
        encoder.finish().unwrap().len()
    });
    assert!(packed.iter().sum::<usize>() < 20_000, "{packed:?}");
}
