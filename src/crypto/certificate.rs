//! Certificates (X.509, RFC 5280): their keys, who issues them, and when they end.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::X509;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, Issuer, KeyIdMethod, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PublicKeyData, SignatureAlgorithm, SigningKey,
};
use zeroize::Zeroizing;

use crate::base::Moment;

/// The curve of all keys made here: P-256.
const CURVE: Nid = Nid::X9_62_PRIME256V1;

/// Why there is no key or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The library refuses, for example what is no PKCS #8 structure or no PEM.
    #[error("{0}")]
    Library(#[from] ErrorStack),
    /// A key on another curve than P-256.
    #[error("the key is not on the curve P-256")]
    Curve,
}

/// The private key of a certificate: ECDSA on P-256, signatures over SHA-256 (RFC 5480, RFC 5758 section 3.2).
pub struct CertificateKey {
    key: PKey<Private>,
    /// The public point, uncompressed (SEC 1 section 2.3.3).
    point: Vec<u8>,
}

impl CertificateKey {
    /// A new key, from the library's own randomness.
    pub fn generate() -> Result<Self, Error> {
        let curve = EcGroup::from_curve_name(CURVE)?;
        Self::new(EcKey::generate(&curve)?)
    }

    /// The key in a PKCS #8 structure in DER (RFC 5208); other kinds of keys are refused.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let key = PKey::private_key_from_pkcs8(der).and_then(|key| key.ec_key())?;
        // Its signatures would carry the name of another algorithm.
        if key.group().curve_name() != Some(CURVE) {
            return Err(Error::Curve);
        }
        Self::new(key)
    }

    /// The key as PKCS #8 in DER.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(self.key.private_key_to_pkcs8()?))
    }

    fn new(key: EcKey<Private>) -> Result<Self, Error> {
        let mut numbers = BigNumContext::new()?;
        let point = key.public_key().to_bytes(key.group(), PointConversionForm::UNCOMPRESSED, &mut numbers)?;
        Ok(Self { key: PKey::from_ec_key(key)?, point })
    }
}

impl PublicKeyData for CertificateKey {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for CertificateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signed = || Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(message);
        signed().map_err(|_: ErrorStack| rcgen::Error::RemoteKeyError)
    }
}

/// The CA of a certificate that was made here, to sign others with its key: its name (an organization and a common
/// name) and the identifier of its key stand in them as they stand in it (RFC 5280 sections 4.1.2.4 and 4.2.1.1).
/// Errors: the text holds no certificate.
pub fn issuer(ca_pem: &str, key: CertificateKey) -> Result<Issuer<'static, CertificateKey>, Error> {
    let ca = X509::from_pem(ca_pem.as_bytes())?;
    let mut name = DistinguishedName::new();
    for (nid, kind) in [(Nid::ORGANIZATIONNAME, DnType::OrganizationName), (Nid::COMMONNAME, DnType::CommonName)] {
        for entry in ca.subject_name().entries_by_nid(nid) {
            name.push(kind.clone(), entry.data().to_string()?);
        }
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let identifier = ca.subject_key_id().map(|id| id.as_slice().to_vec());
    params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.unwrap_or_default());
    Ok(Issuer::new(params, key))
}

/// When the first certificate of a PEM text ends (RFC 7468 section 5.1, RFC 5280 section 4.1.2.5); `None` if it holds
/// none.
pub fn end(pem: &str) -> Option<Moment> {
    let certificate = X509::from_pem(pem.as_bytes()).ok()?;
    let life = Asn1Time::from_unix(0).ok()?.diff(certificate.not_after()).ok()?;
    Some(Moment::from_seconds(i64::from(life.days) * 24 * 60 * 60 + i64::from(life.secs)))
}

/// SHA-256 of a certificate in PEM, as tools print it to be compared by eye: `54:F9:D3:…`. Errors: it is no PEM of a
/// certificate.
pub fn fingerprint(pem: &str) -> Result<String, Error> {
    let digest = X509::from_pem(pem.as_bytes())?.digest(MessageDigest::sha256())?;
    Ok(digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

/// A certificate for these names that its own key signed, in PEM, and the key as PKCS #8.
#[cfg(test)]
pub fn self_signed(names: &[&str]) -> (rcgen::Certificate, Vec<u8>) {
    let key = CertificateKey::generate().unwrap();
    let mut params =
        rcgen::CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.serial_number = Some(1_u64.into());
    (params.self_signed(&key).unwrap(), key.to_pkcs8().unwrap().to_vec())
}

#[cfg(test)]
mod tests {
    use openssl::sign::Verifier;

    use super::*;

    #[test]
    fn a_key_survives_its_serialization_and_signs_what_its_public_half_verifies() {
        let key = CertificateKey::generate().unwrap();
        let again = CertificateKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!((again.der_bytes(), again.der_bytes().len(), again.der_bytes()[0]), (key.der_bytes(), 65, 4));
        let signature = again.sign(b"to be signed").unwrap();
        let verifies = |message| {
            Verifier::new(MessageDigest::sha256(), &key.key).unwrap().verify_oneshot(&signature, message).unwrap()
        };
        assert!(verifies(b"to be signed") && !verifies(b"to be signeD"));
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let curve = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
        let other = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap().private_key_to_pkcs8().unwrap();
        assert!(CertificateKey::from_pkcs8(&other).is_err(), "P-384");
        let other = PKey::generate_ed25519().unwrap().private_key_to_pkcs8().unwrap();
        assert!(CertificateKey::from_pkcs8(&other).is_err(), "Ed25519");
        assert!(CertificateKey::from_pkcs8(b"\x30\x03\x02\x01\x00").is_err(), "no key");
    }
}
