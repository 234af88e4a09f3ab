//! A certificate authority of our own: one CA that people trust once, and leaves it signs for this server.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod,
    KeyUsagePurpose, PublicKeyData as _, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Error;
use crate::base::{Entropy, Moment};
use crate::crypto::Purpose;
use crate::crypto::certificate::{self, CertificateKey};
use crate::crypto::seal::{self, SealingKey};

use crate::records::Certificate;
use crate::store::rows::certificates::Role;

/// How long the CA lives: people import it by hand.
const CA_LIFE: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// How long a leaf lives.
const LEAF_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Begins before it is made, for clients whose clocks are behind.
const BACKDATE: Duration = Duration::from_secs(60 * 60);

/// What the private keys are sealed for.
const CA_SEAL: Purpose<'static> = Purpose::of_installation("tls ca");
const LEAF_SEAL: Purpose<'static> = Purpose::of_installation("tls leaf");

/// A new CA. `host` only makes its name tell one installation's CA from another's.
pub fn new_ca(host: &str, now: Moment, sealing: &SealingKey, entropy: &dyn Entropy) -> Result<Certificate, Error> {
    let key = CertificateKey::generate()?;
    let not_after = now.plus(CA_LIFE);
    let mut params = CertificateParams::default();
    identify(&mut params, &key, entropy);
    params.distinguished_name = named(&format!("Auther local CA ({host})"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    live(&mut params, now, not_after);
    let certificate = params.self_signed(&key)?;
    Ok(record(certificate.pem(), sealed(&key, CA_SEAL, sealing, entropy)?, Vec::new(), now, not_after))
}

/// A new leaf of `ca` for these host names and addresses.
pub fn new_leaf(
    ca: &Certificate,
    names: Vec<String>,
    now: Moment,
    sealing: &SealingKey,
    entropy: &dyn Entropy,
) -> Result<Certificate, Error> {
    let ca_key = private_key(ca, CA_SEAL, sealing)?;
    let issuer = certificate::issuer(&ca.pem, CertificateKey::from_pkcs8(&ca_key)?)?;
    let key = CertificateKey::generate()?;
    let not_after = now.plus(LEAF_LIFE).min(ca.not_after);
    let mut params = CertificateParams::new(names.clone())?;
    identify(&mut params, &key, entropy);
    params.distinguished_name = named(names.first().map_or("localhost", String::as_str));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    live(&mut params, now, not_after);
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(record(certificate.pem(), sealed(&key, LEAF_SEAL, sealing, entropy)?, names, now, not_after))
}

/// The names a leaf must have: the issuer's host, and what one types on the machine itself.
pub fn names_for(host: &str) -> Vec<String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut names = vec![host.to_owned()];
    for usual in ["localhost", "127.0.0.1", "::1"] {
        if usual != host {
            names.push(usual.to_owned());
        }
    }
    names
}

/// Whether the CA must be replaced: a leaf of full length would outlive it.
pub fn ca_is_worn_out(ca: &Certificate, now: Moment) -> bool {
    now.plus(LEAF_LIFE) > ca.not_after
}

/// Whether the leaf must be replaced: two thirds of its life are over, it is for other names, or it was made under a
/// clock so wrong that it is not valid yet.
pub fn leaf_is_worn_out(leaf: &Certificate, names: &[String], now: Moment) -> bool {
    let life = leaf.not_after.since(leaf.created_at);
    now >= leaf.created_at.plus(life * 2 / 3) || leaf.names != names || leaf.created_at.minus(BACKDATE) > now
}

/// The certificate with its key sealed under another master key.
pub fn resealed(
    role: Role,
    certificate: Certificate,
    from: &SealingKey,
    to: &SealingKey,
    entropy: &dyn Entropy,
) -> Result<Certificate, seal::Error> {
    let purpose = match role {
        Role::Ca => CA_SEAL,
        Role::Leaf => LEAF_SEAL,
    };
    let key = from.open(purpose, &certificate.sealed_key)?;
    Ok(Certificate { sealed_key: to.seal(purpose, &key, entropy)?, ..certificate })
}

/// The leaf as the TLS stack wants it: the chain without the CA, which anyone who trusts it has, and the private key.
pub fn unsealed(
    leaf: &Certificate,
    sealing: &SealingKey,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let chain = CertificateDer::pem_slice_iter(leaf.pem.as_bytes()).collect::<Result<_, _>>()?;
    let key = private_key(leaf, LEAF_SEAL, sealing)?;
    Ok((chain, PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()))))
}

fn private_key(
    certificate: &Certificate,
    purpose: Purpose<'_>,
    sealing: &SealingKey,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    Ok(sealing.open(purpose, &certificate.sealed_key)?)
}

fn sealed(
    key: &CertificateKey,
    purpose: Purpose<'_>,
    sealing: &SealingKey,
    entropy: &dyn Entropy,
) -> Result<String, Error> {
    Ok(sealing.seal(purpose, &key.to_pkcs8()?, entropy)?)
}

/// What tells the certificate and its key from all others: a random serial number (RFC 5280 section 4.1.2.2, positive
/// and of at most 20 octets) and a digest of the public key (RFC 7093 section 2, method 1).
fn identify(params: &mut CertificateParams, key: &CertificateKey, entropy: &dyn Entropy) {
    let mut serial = entropy.bytes::<20>();
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let digest = Sha256::digest(key.der_bytes());
    params.key_identifier_method = KeyIdMethod::PreSpecified(digest.iter().take(20).copied().collect());
}

fn named(common_name: &str) -> DistinguishedName {
    // RFC 5280 appendix A.1 bounds the common name to 64 characters.
    let short: String = common_name.chars().take(64).collect();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Auther");
    name.push(DnType::CommonName, short);
    name
}

fn live(params: &mut CertificateParams, now: Moment, not_after: Moment) {
    let epoch = date_time_ymd(1970, 1, 1);
    let after_epoch = |moment: Moment| epoch + Duration::from_secs(u64::try_from(moment.seconds()).unwrap_or(0));
    params.not_before = after_epoch(now.minus(BACKDATE));
    params.not_after = after_epoch(not_after);
}

fn record(pem: String, sealed_key: String, names: Vec<String>, created_at: Moment, not_after: Moment) -> Certificate {
    Certificate { pem, sealed_key, names, created_at, not_after }
}
