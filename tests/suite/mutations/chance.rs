//! Chance that follows from a seed (SplitMix64), and what is done by it to texts, bytes and JSON.

use serde_json::{Map, Value, json};

/// Numbers in an order that the seed decides.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give the same numbers a little later.
        let mut chance = Self(seed);
        Self(chance.below(usize::MAX) as u64)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as usize % end.max(1)
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A text that somebody might wish to break something with.
    pub fn text(&mut self) -> String {
        const TEXTS: [&str; 40] = [
            "",
            " ",
            "*",
            "0",
            "-1",
            "null",
            "true",
            "nothing",
            "wiki",
            "Staff",
            "doc",
            "1",
            "owner",
            "read",
            "pay",
            "ann@example.com",
            "ANN@EXAMPLE.COM",
            "ann",
            "user",
            "group",
            "client_wiki:doc",
            "usr_0",
            "ses_0.x",
            "tpl_0",
            "../../etc/passwd",
            "%00",
            "%2e%2e%2f",
            "\u{0}",
            "\u{202e}gnp",
            "\u{200b}",
            "\u{1F4A5}",
            "e\u{301}",
            "\u{130}",
            "<script>alert(1)</script>",
            "' OR 1=1 --",
            "${jndi:ldap://x}",
            "https://wiki.example.com/cb",
            "9999-12-31T23:59:59.999Z",
            "return true",
            "while true do end",
        ];
        match self.below(24) {
            0 => "a".repeat(self.below(70_000)),
            1 => "\u{202e}".repeat(self.below(3_000)),
            2 => "(".repeat(self.below(12_000)),
            3 => format!("({})", self.text()),
            4 => format!("{}:{}", self.text(), self.text()),
            5 => self.below(usize::MAX).to_string(),
            _ => (*self.one_of(&TEXTS)).to_owned(),
        }
    }

    /// A JSON value of any kind.
    pub fn value(&mut self) -> Value {
        match self.below(16) {
            0 => Value::Null,
            1 => json!(self.once_in(2)),
            2 => json!(-1),
            3 => json!(1.5e308),
            4 => json!(u64::MAX),
            5 => json!(i64::MIN),
            6 => json!([]),
            7 => json!({}),
            8 => (0..self.below(150)).fold(json!(1), |inner, _| json!([inner])),
            9 => (0..self.below(150)).fold(json!(1), |inner, _| json!({ "a": inner })),
            10 => Value::Array((0..self.below(1_200)).map(|number| json!(number)).collect()),
            11 => Value::Array((0..self.below(1_200)).map(|number| json!({ "id": number.to_string() })).collect()),
            12 => Value::Object((0..self.below(600)).map(|number| (format!("k{number}"), json!("v"))).collect()),
            _ => json!(self.text()),
        }
    }

    /// Changes one member somewhere in a value.
    pub fn change(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) if !members.is_empty() && !self.once_in(8) => {
                let at = self.below(members.len());
                let key = members.keys().nth(at).cloned().unwrap_or_default();
                self.change_member(members, &key);
            }
            Value::Array(items) if !items.is_empty() && !self.once_in(8) => {
                let at = self.below(items.len());
                self.change(&mut items[at]);
            }
            other => *other = self.value(),
        }
    }

    fn change_member(&mut self, members: &mut Map<String, Value>, key: &str) {
        match self.below(5) {
            0 => {
                members.remove(key);
            }
            1 => {
                let (name, value) = (self.text(), self.value());
                members.insert(name, value);
            }
            2 => {
                let value = self.value();
                members.insert(key.to_owned(), value);
            }
            _ => {
                if let Some(inner) = members.get_mut(key) {
                    self.change(inner);
                }
            }
        }
    }

    /// Changes some bytes.
    pub fn scratch(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.below(256) as u8),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 => {
                    let part = bytes[at..].to_vec();
                    bytes.extend(part);
                }
                _ => {
                    let text = self.text();
                    bytes.splice(at..at, text.bytes());
                }
            }
            bytes.truncate(400_000);
        }
    }
}
