//! Names become addresses once per request, and a connection is made to the addresses that were checked: between
//! checking and connecting nothing is looked up again.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::guard::Guard;

/// Look-ups at a time. One that does not end keeps its thread, whatever became of its request.
const LOOKUPS: usize = 16;

/// Addresses of a name that are looked at.
const ADDRESSES: usize = 32;

/// The addresses of a name, in the order of preference.
pub(super) type Looked = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where the addresses of a name come from.
pub(super) trait Names: Send + Sync {
    /// Looks a name up.
    fn look_up(&self, host: String) -> Looked;
}

/// The resolver of the operating system.
#[derive(Debug)]
pub(super) struct SystemNames(Arc<Semaphore>);

impl Default for SystemNames {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOKUPS)))
    }
}

impl Names for SystemNames {
    fn look_up(&self, host: String) -> Looked {
        let turns = Arc::clone(&self.0);
        Box::pin(async move {
            let turn = turns.acquire_owned().await.map_err(io::Error::other)?;
            let look_up = move || {
                let found = (host.as_str(), 0).to_socket_addrs().map(|all| all.map(|one| one.ip()).collect());
                drop(turn);
                found
            };
            tokio::task::spawn_blocking(look_up).await.map_err(io::Error::other)?
        })
    }
}

/// Looks names up, and gives the HTTP library addresses that the guard lets through.
pub(super) struct CheckedNames {
    names: Arc<dyn Names>,
    guard: Arc<Guard>,
}

impl CheckedNames {
    pub(super) fn new(names: Arc<dyn Names>, guard: Arc<Guard>) -> Self {
        Self { names, guard }
    }
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, guard) = (name.as_str().to_owned(), Arc::clone(&self.guard));
        let looked = self.names.look_up(host.clone());
        Box::pin(async move {
            let mut addresses = looked.await?;
            addresses.truncate(ADDRESSES);
            if addresses.is_empty() {
                return Err(format!("{host} has no address").into());
            }
            guard.check(&host, &addresses)?;
            // The library puts the port of the URL in the place of 0.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
