use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;

use super::schema::CLIENT_FIELDS;
use super::*;

/// A working folder with or without an `auther.toml`.
struct Desk {
    folder: TempDir,
    env: Environment,
    flags: Overrides,
}

impl Desk {
    fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), env: Environment::default(), flags: Overrides::default() }
    }

    fn with(toml: &str, variables: &[(&str, &str)]) -> Self {
        let desk = Self { env: variables.iter().copied().collect(), ..Self::empty() };
        fs::write(desk.folder.path().join("auther.toml"), toml).unwrap();
        desk
    }

    fn load(&self) -> Result<Loaded, Mistakes> {
        load(&self.flags, &self.env, self.folder.path())
    }

    fn settings(&self) -> Settings {
        self.load().unwrap_or_else(|mistakes| panic!("{mistakes}")).settings
    }

    /// The mistakes, one per line, with the folder taken out.
    fn complaints(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let said = self.load().map(|_| ()).expect_err("there should be mistakes").to_string();
        said.lines().map(|line| line.replace(&folder, "")).collect()
    }
}

fn complaints(toml: &str) -> Vec<String> {
    Desk::with(toml, &[]).complaints()
}

fn source_of(loaded: &Loaded, key: &str) -> Source {
    loaded.settings.origins.iter().find(|row| row.key == key).unwrap().source.clone()
}

#[test]
fn the_file_of_the_machine_is_read_where_the_folder_has_none() {
    let machine = tempfile::tempdir().unwrap();
    let of_machine = machine.path().join("auther.toml");
    let with = |mut desk: Desk| {
        desk.flags.system_file = Some(of_machine.clone());
        desk
    };
    assert_eq!(with(Desk::empty()).load().unwrap().file, None, "neither is there");
    fs::write(&of_machine, "issuer = \"https://machine.example.com\"").unwrap();
    let loaded = with(Desk::empty()).load().unwrap();
    assert_eq!(
        (loaded.settings.issuer.text.as_str(), loaded.file),
        ("https://machine.example.com", Some(of_machine.clone()))
    );
    let here = with(Desk::with("issuer = \"https://here.example.com\"", &[]));
    assert_eq!(here.settings().issuer.text, "https://here.example.com");
    let named = with(Desk::with("", &[("AUTHER_CONFIG", "other.toml")]));
    assert!(named.complaints()[0].contains("other.toml, which does not exist"), "a name wins over both");
}

#[test]
fn nothing_is_mandatory() {
    let desk = Desk::empty();
    let loaded = desk.load().unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.issuer.text, "https://localhost:8443");
    let expected: [SocketAddr; 2] = ["127.0.0.1:8443".parse().unwrap(), "[::1]:8443".parse().unwrap()];
    assert_eq!(settings.listen[0].addresses, expected);
    assert_eq!(settings.data, desk.folder.path().join("auther.redb"));
    assert_eq!(settings.tls, Tls::LocalCa);
    assert_eq!(settings.registration, Registration::Closed);
    assert!(settings.rate_limit.enabled && settings.master_key.is_none() && settings.smtp.is_none());
    assert_eq!(settings.tokens.code, Duration::from_secs(60));
    assert_eq!(settings.keys.keep, Duration::from_secs(60 * 86_400));
    assert_eq!(settings.store.cache_bytes, 48 * 1024 * 1024);
    assert_eq!(loaded.file, None);
    assert_eq!(loaded.settings.origins.len(), KEYS.len());
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let toml = "issuer = \"https://file.example\"\n\n[tls]\nmode = \"off\"\n";
    let mut desk = Desk::with(toml, &[]);
    let loaded = desk.load().unwrap();
    assert_eq!(loaded.settings.issuer.text, "https://file.example");
    let Source::File { line, .. } = source_of(&loaded, "tls.mode") else { panic!("{loaded:?}") };
    assert_eq!(line, Some(4));
    assert_eq!(source_of(&loaded, "listen"), Source::Default);

    desk.env = [("AUTHER_ISSUER", "https://env.example")].into_iter().collect();
    let loaded = desk.load().unwrap();
    assert_eq!(loaded.settings.issuer.text, "https://env.example");
    assert_eq!(source_of(&loaded, "issuer").to_string(), "AUTHER_ISSUER");
    assert_eq!(loaded.settings.tls, Tls::Off);

    desk.flags.issuer = Some(String::from("https://flag.example"));
    let loaded = desk.load().unwrap();
    assert_eq!(loaded.settings.issuer.text, "https://flag.example");
    assert_eq!(source_of(&loaded, "issuer").to_string(), "--issuer");
}

#[test]
fn every_flag_sets_its_key() {
    let mut desk = Desk::empty();
    desk.flags = Overrides {
        config: None,
        data: Some(PathBuf::from("/srv/a.redb")),
        listen: vec![String::from("127.0.0.1:1"), String::from("127.0.0.1:2")],
        issuer: Some(String::from("http://localhost:1")),
        tls: Some(String::from("off")),
        ..Overrides::default()
    };
    let settings = desk.settings();
    assert_eq!(settings.data, Path::new("/srv/a.redb"));
    assert_eq!(
        settings.listen.iter().map(|listen| listen.text.as_str()).collect::<Vec<_>>(),
        ["127.0.0.1:1", "127.0.0.1:2"]
    );
    assert_eq!((settings.tls, settings.issuer.https), (Tls::Off, false));
    desk.flags.tls = Some(String::from("acme"));
    assert_eq!(
        desk.complaints(),
        ["--tls: tls.mode = \"acme\" is not available in this version; use local-ca, files or off"]
    );
}

#[test]
fn what_an_app_beside_us_is_configured_with_is_no_mistake() {
    let variables = [("AUTHER_API_KEY", "ak_live_x"), ("AUTHER_CLIENT_ID", "shop"), ("AUTHER_CLIENT_SECRET", "cs_x")];
    assert!(Desk::with("", &variables).load().is_ok());
    assert_eq!(Desk::with("", &[("AUTHER_CLIENT", "shop")]).complaints().len(), 1);
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_places() {
    let toml = "isuer = \"x\"\nregistration = \"all\"\n\n[tokens]\ncode_seconds = 601\nrefresh_grace_seconds = \"1\"\n";
    let mut desk = Desk::with(toml, &[("AUTHER_LISTN", "x"), ("AUTHER_TRUSTED_PROXIES", "10.0.0.1,proxy")]);
    desk.flags.listen = vec![String::from("nowhere")];
    assert_eq!(
        desk.complaints(),
        [
            "auther.toml:1: unknown key `isuer`; did you mean `issuer`?",
            "auther.toml:2: registration cannot be \"all\"; use closed, invite or open",
            "auther.toml:5: tokens.code_seconds cannot be 601; use 1 to 600",
            "auther.toml:6: tokens.refresh_grace_seconds expects a whole number, not text; use 0 to 60",
            "AUTHER_LISTN: unknown variable; did you mean `AUTHER_LISTEN`?",
            "AUTHER_TRUSTED_PROXIES: trusted_proxies has no network in \"proxy\"; write 10.0.0.0/8, 2001:db8::/32 or one address",
            "--listen: listen has no address in \"nowhere\"; \
             write 8443, :8443, localhost:8443, 192.0.2.1:8443 or [2001:db8::1]:8443",
        ]
    );
}

#[test]
fn a_named_file_must_exist() {
    let mut desk = Desk::empty();
    desk.flags.config = Some(PathBuf::from("other.toml"));
    assert_eq!(
        desk.complaints(),
        ["--config: names other.toml, which does not exist; name an existing file, or leave it out"]
    );
    fs::write(desk.folder.path().join("other.toml"), "registration = \"open\"").unwrap();
    assert_eq!(desk.settings().registration, Registration::Open);
    desk.flags.config = None;
    desk.env = [("AUTHER_CONFIG", "other.toml")].into_iter().collect();
    assert_eq!(desk.settings().registration, Registration::Open);
    fs::write(desk.folder.path().join("other.toml"), [0xff, 0xfe]).unwrap();
    assert_eq!(desk.complaints(), ["other.toml: is not UTF-8; save it as UTF-8"]);
    desk.env = [("AUTHER_CONFIG", "")].into_iter().collect();
    assert_eq!(desk.complaints(), ["AUTHER_CONFIG: is empty; name a file, or leave it out"]);
}

#[test]
fn lists_in_variables_replace_those_of_the_file() {
    let desk =
        Desk::with("audiences = [\"a\"]\n", &[("AUTHER_AUDIENCES", "b, c"), ("AUTHER_LISTEN", ":1,127.0.0.1:2")]);
    let settings = desk.settings();
    assert_eq!(settings.audiences, ["b", "c"]);
    assert_eq!(settings.listen.len(), 2);
    assert_eq!(settings.issuer.text, "https://localhost:1");
}

#[test]
fn the_default_issuer_follows_listen_and_tls() {
    let issuer = |toml: &str| Desk::with(toml, &[]).settings().issuer.text;
    assert_eq!(issuer("listen = [\":443\"]\n"), "https://localhost");
    assert_eq!(issuer("listen = [\"127.0.0.1:0\"]\n"), "https://localhost:0");
    assert_eq!(issuer("tls.mode = \"off\"\n"), "http://localhost:8443");
}

#[test]
fn tls_files_are_named_exactly_when_they_are_used() {
    assert_eq!(
        complaints("tls.mode = \"files\"\ntls.key = \"k.pem\"\n"),
        [
            "auther.toml:1: tls.mode \"files\" needs tls.cert; name the PEM file",
            "auther.toml:2: tls.key names k.pem, which does not exist; name an existing file",
        ]
    );
    assert_eq!(
        complaints("tls.cert = \"c.pem\"\n"),
        ["auther.toml:1: tls.cert has no use with tls.mode = \"local-ca\"; set tls.mode = \"files\", or take it out"]
    );
    let desk = Desk::with("tls = { mode = \"files\", cert = \"c.pem\", key = \"c.pem\" }\n", &[]);
    let file = desk.folder.path().join("c.pem");
    fs::write(&file, "").unwrap();
    assert_eq!(desk.settings().tls, Tls::Files { cert: file.clone(), key: file });
}

#[test]
fn settings_that_do_not_fit_together_are_refused_where_they_were_typed() {
    let wrong = |toml: &str, key: &str| {
        let said = complaints(toml);
        assert!(said.len() == 1 && said[0].starts_with(&format!("auther.toml:1: {key} ")), "{toml}: {said:?}");
    };
    wrong("tokens.access_seconds = 5184001\n", "keys.keep_days");
    wrong("keys.keep_days = 1\ntokens.id_seconds = 86401\n", "keys.keep_days");
    wrong("session.refresh_after_seconds = 604801\n", "session.refresh_after_seconds");
    wrong("tokens.refresh_idle_seconds = 2592001\n", "tokens.refresh_idle_seconds");
    wrong("keys.publish_ahead_hours = 721\n", "keys.publish_ahead_hours");
    wrong("password = { parallelism = 64, memory_kib = 511 }\n", "password.memory_kib");
    wrong("issuer = \"http://localhost:8443\"\n", "issuer");
    wrong("master_key = \"0123456789012345678901234567890\"\n", "master_key");
    wrong("log.level = \"verbose\"\n", "log.level");
    wrong("log.level = \"auther=loud\"\n", "log.level");
    wrong("smtp.host = \"mail.example\"\n", "smtp.host");
    wrong("smtp.from = \"a@b.example\"\n", "smtp.from");
    wrong("listen = []\n", "listen");
    wrong("egress.extra_ca = \"auther.toml\"\n", "egress.extra_ca");
    wrong("egress.allow = [\"https://a.example\"]\n", "egress.allow");
}

#[test]
fn a_refused_value_is_not_complained_about_twice() {
    assert_eq!(complaints("tls.mode = \"fils\"\n[tokens]\naccess_seconds = \"x\"\n").len(), 2);
    assert_eq!(complaints("tls.mode = \"acme\"\nissuer = \"http://localhost\"\n").len(), 1);
}

#[test]
fn directives_of_the_log_are_accepted() {
    for level in ["INFO", "info,auther=debug", "warn,auther::store[write]=trace", "off"] {
        assert_eq!(Desk::with(&format!("log.level = \"{level}\"\n"), &[]).settings().log.level, level);
    }
}

#[test]
fn a_mail_server_is_read() {
    let toml = "[smtp]\nhost = \"mail.example\"\nusername = \"u\"\npassword = \"p\"\nfrom = \"Auther <a@b.example>\"\n";
    let smtp = Desk::with(toml, &[]).settings().smtp.unwrap();
    assert_eq!((smtp.port, smtp.tls, smtp.from.as_str()), (587, SmtpTls::StartTls, "Auther <a@b.example>"));
    assert_eq!(smtp.login.map(|login| login.password.expose().clone()).as_deref(), Some("p"));
}

#[test]
fn extra_authorities_are_pem() {
    let pem = "# ours\n-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n";
    let desk = Desk::with("egress.extra_ca = \"ca.pem\"\n", &[]);
    fs::write(desk.folder.path().join("ca.pem"), pem).unwrap();
    assert_eq!(desk.settings().egress.extra_ca.unwrap().pem, pem);
    fs::write(desk.folder.path().join("ca.pem"), pem.replace("AAAA", "A*A")).unwrap();
    assert_eq!(
        desk.complaints(),
        ["auther.toml:1: egress.extra_ca names a file without certificates; name a PEM file of certificates"]
    );
}

#[test]
fn a_name_a_colour_and_a_logo_are_read() {
    let desk = Desk::with("[look]\nname = \"Example Ltd\"\naccent = \"#7a1f5c\"\nlogo = \"logo.svg\"\n", &[]);
    fs::write(desk.folder.path().join("logo.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let look = desk.settings().look;
    assert_eq!(look.name.as_deref(), Some("Example Ltd"));
    assert_eq!(look.accent.unwrap().light.accent.to_string(), "#7a1f5c");
    assert_eq!(look.logo.unwrap().kind, look::ImageFormat::Svg);
    assert_eq!(Desk::empty().settings().look, Look::default());
    let variables = Desk::with("", &[("AUTHER_LOOK_ACCENT", "#0a0"), ("AUTHER_LOOK_NAME", "Ours")]).complaints();
    assert_eq!(variables.len(), 1, "{variables:?}");
}

#[test]
fn a_colour_that_cannot_be_read_and_a_logo_that_is_none_are_mistakes() {
    let desk = Desk::with("look.accent = \"#ffcc00\"\nlook.logo = \"logo.svg\"\n", &[]);
    let logo = desk.folder.path().join("logo.svg");
    let said = |content: &[u8]| {
        fs::write(&logo, content).unwrap();
        desk.complaints()
    };
    assert_eq!(
        said(b"GIF89a"),
        [
            "auther.toml:1: look.accent #ffcc00 has a contrast of 1.3:1 to light pages; text needs 4.5:1; use a darker one, such as \"#876c00\"",
            "auther.toml:2: look.logo names a file that is neither SVG nor PNG; name an SVG or PNG file of 64 KiB at the most",
        ]
    );
    let large = said(&[b' '; 64 * 1024 + 1]);
    assert!(large[1].contains("names a file of more than 64 KiB"), "{large:?}");
    fs::remove_file(&logo).unwrap();
    assert!(desk.complaints()[1].contains("look.logo cannot be read"));
    assert!(complaints("look.accent = \"teal\"\n")[0].contains("is no colour: \"teal\""));
}

#[test]
fn clients_are_declared_in_the_file_or_replaced_by_json() {
    let toml = "[[clients]]\nclient_id = \"blog\"\ntype = \"spa\"\n\n[[clients]]\nclient_id = \"shop\"\nclient_secret_env = \"S\"\n";
    let mut desk = Desk::with(toml, &[("S", "hunter2")]);
    let clients = desk.settings().clients;
    assert_eq!(clients.iter().map(|client| client.client_id.as_str()).collect::<Vec<_>>(), ["blog", "shop"]);
    let Source::File { line, .. } = clients[1].place else { panic!() };
    assert_eq!(line, Some(5));
    desk.env =
        [("S", "x"), ("AUTHER_CLIENTS_JSON", "[{\"client_id\": \"app\", \"type\": \"native\"}]")].into_iter().collect();
    let loaded = desk.load().unwrap();
    assert_eq!(loaded.settings.clients.len(), 1);
    assert_eq!(source_of(&loaded, "clients").to_string(), "AUTHER_CLIENTS_JSON");
    assert_eq!(
        complaints("[[clients]]\nclient_id = \"blog\"\ntype = \"spa\"\nredirect_url = []\n"),
        ["auther.toml:4: client \"blog\": unknown key `redirect_url`; did you mean `redirect_uris`?"]
    );
}

#[test]
fn no_secret_is_ever_printed() {
    let toml = "[smtp]\nhost = \"m.example\"\nfrom = \"a@b.example\"\nusername = \"u\"\npassword = \"hunter2-smtp\"\n\
                [[clients]]\nclient_id = \"shop\"\nclient_secret = \"hunter2-client\"\n";
    let desk = Desk::with(toml, &[("AUTHER_MASTER_KEY", "hunter2-master-key-of-32-characters")]);
    let loaded = desk.load().unwrap();
    let key = loaded.settings.master_key.as_ref().unwrap();
    assert_eq!(key.expose(), "hunter2-master-key-of-32-characters");
    for shown in [
        table(&loaded),
        document(&loaded).to_string(),
        format!("{loaded:?}"),
        format!("{desk_env:?}", desk_env = desk.env),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert!(table(&loaded).contains("(set)"));
    let wrong = Desk::with("master_key = [\"hunter2\"]\nsmtp.password = 2\n", &[("AUTHER_MASTER_KEY", "hunter2")]);
    assert!(!wrong.complaints().join("\n").contains("hunter2"));
}

#[test]
fn what_is_shown_says_where_it_comes_from() {
    let loaded = Desk::with("listen = [\"127.0.0.1:9\", \"[::1]:9\"]\n", &[("AUTHER_TLS_MODE", "off")]).load().unwrap();
    let shown = table(&loaded);
    let row = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(row("issuer").contains("http://localhost:9") && row("issuer").ends_with("default"), "{shown}");
    assert!(row("tls.mode").ends_with("AUTHER_TLS_MODE"), "{shown}");
    assert!(row("listen").contains("127.0.0.1:9, [::1]:9") && row("listen").ends_with("auther.toml:1"), "{shown}");
    let document = document(&loaded);
    let listen = &document["settings"][1];
    assert_eq!(listen["value"], serde_json::json!(["127.0.0.1:9", "[::1]:9"]));
    assert_eq!((&listen["source"]["kind"], &listen["source"]["line"]), (&"file".into(), &1.into()));
}

#[test]
fn a_running_server_takes_over_what_can_change_and_names_what_must_wait() {
    let desk = Desk::with("registration = \"closed\"\nlisten = [\"127.0.0.1:1\"]\n", &[]);
    let running = desk.load().unwrap();
    fs::write(desk.folder.path().join("auther.toml"), "registration = \"open\"\nlisten = [\"127.0.0.1:2\"]\n").unwrap();
    let (loaded, waiting) = reload(&running, &desk.flags, &desk.env, desk.folder.path()).unwrap();
    assert_eq!(loaded.settings.registration, Registration::Open);
    assert_eq!(loaded.settings.listen[0].text, "127.0.0.1:1");
    assert_eq!(loaded.settings.issuer.text, "https://localhost:1");
    assert_eq!(waiting, ["listen"]);
    assert_eq!(loaded.settings.waiting, ["listen"]);
    let (_, waiting) = reload(&running, &desk.flags, &desk.env, Path::new("/nonexistent")).unwrap();
    assert_eq!(waiting, ["listen"]);
}

/// The example with its settings switched on: a line `#name …` or `#[[…]]` is a setting, `# …` is prose.
fn example_switched_on() -> String {
    let example = include_str!("../../auther.toml.example");
    let setting = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
            .map(str::to_owned)
    };
    example.lines().map(|line| setting(line).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_names_every_key_and_no_other() {
    let table: toml::Table = example_switched_on().parse().unwrap();
    let mut named = BTreeSet::new();
    for (name, value) in &table {
        match value {
            toml::Value::Table(section) => named.extend(section.keys().map(|key| format!("{name}.{key}"))),
            _ => drop(named.insert(name.clone())),
        }
    }
    assert_eq!(named, KEYS.iter().map(|key| key.name.to_owned()).collect());
    let fields: BTreeSet<&str> = table["clients"][0].as_table().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, CLIENT_FIELDS.iter().map(|field| field.name).collect());
}

#[test]
fn the_example_shows_the_defaults_and_says_what_can_be_reloaded() {
    let env = Environment::default();
    let mut reading = Reading::new(Path::new(""), &env);
    let layer = file::read(&example_switched_on(), Path::new("auther.toml.example"), &mut reading);
    for mistake in &reading.mistakes {
        // The three ways to give a client its secret exclude each other, and two of them name what is not there.
        assert!(mistake.what.to_lowercase().contains("secret"), "{mistake}");
    }
    for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
        let shown = layer[key.name].value.as_ref().unwrap().to_string();
        assert_eq!(shown, key.default, "{}", key.name);
    }
    let example = include_str!("../../auther.toml.example");
    let (settings, _) = example.split_once("#[[clients]]").unwrap();
    for paragraph in settings.split("\n\n") {
        for key in
            KEYS.iter().filter(|key| paragraph.lines().any(|line| line.starts_with(&format!("#{} = ", key.name))))
        {
            assert_eq!(key.reloadable, paragraph.contains("[reload"), "{}", key.name);
        }
    }
}

#[test]
fn the_example_as_it_is_changes_nothing() {
    let desk = Desk::with(include_str!("../../auther.toml.example"), &[]);
    let loaded = desk.load().unwrap();
    assert!(loaded.settings.origins.iter().all(|row| row.source == Source::Default));
}
