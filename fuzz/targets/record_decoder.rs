//! The bytes of a row: its key and its record. What can be read can be written again and is the same.

#![no_main]

use auther::base::Moment;
use auther::base::id::{ClientId, SessionId, TenantId, UserId};
use auther::records::{AuditRow, Client, Code, Consent, Grant, Refresh, Session, SigningKeyRecord, User};
use auther::store::{Key, Record, record_from_bytes, record_to_bytes};
use libfuzzer_sys::fuzz_target;

fn record<R: Record>(bytes: &[u8]) {
    let Ok(read) = record_from_bytes::<R>(bytes) else { return };
    let written = record_to_bytes(&read).expect("a record can be written");
    let again = record_from_bytes::<R>(&written).expect("what was written is read");
    assert_eq!(record_to_bytes(&again).expect("and written"), written);
}

fn key<K: Key>(bytes: &[u8]) {
    let Ok(read) = K::decode(bytes) else { return };
    assert_eq!(read.encode(), bytes, "a key has one spelling");
}

fuzz_target!(|data: &[u8]| {
    key::<(TenantId, UserId)>(data);
    key::<(TenantId, String, UserId)>(data);
    key::<(TenantId, SessionId, ClientId)>(data);
    key::<(TenantId, Moment, u64, String)>(data);
    record::<User>(data);
    record::<Session>(data);
    record::<Client>(data);
    record::<Code>(data);
    record::<Consent>(data);
    record::<Grant>(data);
    record::<Refresh>(data);
    record::<SigningKeyRecord>(data);
    record::<AuditRow>(data);
});
