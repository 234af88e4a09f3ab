//! Tickets with which a client resumes a TLS session (RFC 8446 section 4.6.1, RFC 5077): the session itself, sealed
//! under keys that only this process knows. A restart ends them; clients then make a full handshake.

use std::sync::Arc;

use rustls::server::ProducesTickets;
use rustls::ticketer::TicketRotator;

use crate::base::Entropy;
use crate::base::entropy::OsEntropy;
use crate::crypto::Purpose;
use crate::crypto::seal::SealingKey;

/// What tickets are sealed for.
const SEAL: Purpose<'static> = Purpose::of_installation("tls ticket");

/// Seconds for which one key seals. It opens for as long again.
const KEY_LIFE: u32 = 6 * 60 * 60;

/// A ticketer whose keys change: RFC 5077 section 5.5 asks for that, since who gets a key can read what was recorded.
pub fn ticketer() -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    Ok(Arc::new(TicketRotator::new(KEY_LIFE, || Ok(Box::new(TicketKey::new(&OsEntropy))))?))
}

/// One key of tickets.
#[derive(Debug)]
struct TicketKey(SealingKey);

impl TicketKey {
    fn new(entropy: &dyn Entropy) -> Self {
        Self(SealingKey::new(entropy.bytes()))
    }
}

impl ProducesTickets for TicketKey {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        2 * KEY_LIFE
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.seal_bytes(SEAL, plain, &OsEntropy).ok()
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.0.open_bytes(SEAL, ticket).ok().map(|plain| plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_with_its_own_key_and_unchanged() {
        let key = TicketKey::new(&OsEntropy);
        let ticket = key.encrypt(b"session").unwrap();
        assert_eq!(key.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(TicketKey::new(&OsEntropy).decrypt(&ticket), None);
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(key.decrypt(&changed), None, "byte {at}");
        }
        assert_eq!((key.decrypt(&ticket[..10]), key.decrypt(b"")), (None, None));
    }
}
