//! Stored records: one version byte, then JSON. Added fields need no version; a changed meaning does.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;

/// What a table holds. Fields added later carry `#[serde(default)]`; when the meaning of a field changes, raise
/// [`Record::VERSION`], keep the old shape as a struct of its own and convert it in [`Record::upgrade`].
pub trait Record: Serialize + DeserializeOwned {
    /// The version that is written. Starts at 1.
    const VERSION: u8 = 1;

    /// Reads a body of an older version; `None` for versions that were never written. Errors: [`Error::Record`].
    fn upgrade(version: u8, body: &[u8]) -> Result<Option<Self>, Error> {
        let _ = (version, body);
        Ok(None)
    }
}

/// The stored bytes of a record. Errors: [`Error::Record`] when it cannot be written as JSON.
pub fn to_bytes<R: Record>(record: &R) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![R::VERSION];
    serde_json::to_writer(&mut bytes, record).map_err(|cause| Error::Record(cause.to_string()))?;
    Ok(bytes)
}

/// Reads stored bytes of this or an older version. Errors: [`Error::Newer`], [`Error::Record`].
pub fn from_bytes<R: Record>(bytes: &[u8]) -> Result<R, Error> {
    match bytes.split_first() {
        None => Err(Error::Record(String::from("the row is empty"))),
        Some((version, _)) if *version > R::VERSION => Err(Error::Newer { found: *version, known: R::VERSION }),
        // The body is not quoted in the error: it may hold what must not be logged.
        Some((version, body)) if *version == R::VERSION => read_json(body),
        Some((version, body)) => {
            R::upgrade(*version, body)?.ok_or_else(|| Error::Record(format!("no rule to read version {version}")))
        }
    }
}

/// Whether bytes are a version and JSON, whatever the record.
pub(super) fn is_well_formed(bytes: &[u8]) -> bool {
    matches!(bytes.split_first(), Some((1.., body)) if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok())
}

/// Reads the body of a record, of this version or an older one. Errors: [`Error::Record`], which says where and not
/// what.
pub(crate) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|cause| Error::Record(position_of(&cause)))
}

fn position_of(cause: &serde_json::Error) -> String {
    format!("{:?} error at column {}", cause.classify(), cause.column())
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct First {
        cents: u64,
    }
    impl Record for First {}

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Second {
        euros: u64,
        #[serde(default)]
        note: String,
    }
    impl Record for Second {
        const VERSION: u8 = 2;

        fn upgrade(version: u8, body: &[u8]) -> Result<Option<Self>, Error> {
            let upgraded = |old: First| Self { euros: old.cents / 100, note: String::new() };
            if version == 1 { read_json(body).map(upgraded).map(Some) } else { Ok(None) }
        }
    }

    #[test]
    fn an_older_record_is_upgraded_as_it_is_read() {
        let stored = to_bytes(&First { cents: 700 }).unwrap();
        assert_eq!(stored, b"\x01{\"cents\":700}");
        assert_eq!(from_bytes::<Second>(&stored).unwrap(), Second { euros: 7, note: String::new() });
    }

    #[test]
    fn a_version_that_was_never_written_is_refused() {
        let Err(Error::Record(refusal)) = from_bytes::<Second>(b"\x00{\"euros\":3}") else { panic!("it was read") };
        assert_eq!(refusal, "no rule to read version 0");
        assert_eq!(from_bytes::<First>(b"\x00{}").err(), Some(Error::Record(refusal)));
    }

    #[test]
    fn a_newer_record_is_refused() {
        let stored = to_bytes(&Second { euros: 1, note: String::new() }).unwrap();
        assert!(matches!(from_bytes::<First>(&stored), Err(Error::Newer { found: 2, known: 1 })));
    }

    #[test]
    fn an_added_field_needs_no_version() {
        assert_eq!(from_bytes::<Second>(b"\x02{\"euros\":3}").unwrap(), Second { euros: 3, note: String::new() });
    }

    #[test]
    fn a_broken_record_is_an_error_that_does_not_quote_it() {
        for bytes in [&b""[..], b"\x01", b"\x01{\"cents\":\"hunter2\"}", b"\x00{}"] {
            let Err(error) = from_bytes::<First>(bytes) else { panic!("{bytes:?} was read") };
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
