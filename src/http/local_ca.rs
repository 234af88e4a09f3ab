//! The certificate of the local CA, for browsers and devices that are to trust this server.
//!
//! May use: `cx` and below. Start reading at [`find`].

use actix_web::HttpResponse;
use actix_web::web::ServiceConfig;

use super::endpoint::Endpoint;
use super::respond::{HandlerResult, Refusal};
use crate::config::Tls;
use crate::crypto::certificate;
use crate::cx::Cx;
use crate::store::rows::certificates::{self, Role};
use crate::tenant::paths;

/// What phones and browsers take for an authority to install.
const KIND: &str = "application/x-x509-ca-cert";

/// The authority that signed the certificate of this server.
#[derive(Clone, Debug)]
pub struct LocalCa {
    /// The certificate, in PEM.
    pub pem: String,
    /// Its SHA-256, as tools print it.
    pub fingerprint: String,
}

/// The local CA, where this server shows a certificate of it; `None` where the certificate is from elsewhere.
pub fn find(cx: &Cx) -> Result<Option<LocalCa>, Refusal> {
    if cx.settings().tls != Tls::LocalCa {
        return Ok(None);
    }
    let Some(ca) = certificates::find(&cx.read()?, Role::Ca)? else { return Ok(None) };
    let fingerprint = certificate::fingerprint(&ca.pem).map_err(Refusal::internal)?;
    Ok(Some(LocalCa { pem: ca.pem, fingerprint }))
}

/// `/ca.pem`.
pub fn configure(config: &mut ServiceConfig) {
    config.service(Endpoint::at([paths::LOCAL_CA]).get(show));
}

async fn show(cx: Cx) -> HandlerResult {
    let Some(ca) = find(&cx)? else {
        return Err(Refusal::not_found("There is no local CA here: the certificate of this server is from elsewhere."));
    };
    Ok(HttpResponse::Ok().content_type(KIND).body(ca.pem))
}
