//! The admin socket beside the data file. Anyone who may read the data file may administer: the socket has mode 0600
//! and the peer's uid is checked besides, because the mode comes a moment after the socket.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Longest path that every system takes as a socket's address (`sun_path` of unix(7), with room for the final NUL).
const MAX_ADDRESS: usize = 100;

/// Where the admin socket of a data file is: beside it, with the extension `sock`. Links to the data file lead to the
/// same socket.
pub fn path_of(data: &Path) -> PathBuf {
    let real = real(data);
    if real.extension().is_some_and(|extension| extension == "sock") {
        let mut name = real.into_os_string();
        name.push(".sock");
        return name.into();
    }
    real.with_extension("sock")
}

/// The path without links, as far as it exists.
fn real(data: &Path) -> PathBuf {
    let resolved = fs::canonicalize(data).or_else(|_| {
        let folder = data.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = data.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        fs::canonicalize(folder).map(|folder| folder.join(name))
    });
    resolved.unwrap_or_else(|_| data.to_path_buf())
}

/// An address that fits: the path itself, or one through the open folder when the path is too long.
#[derive(Debug)]
pub struct Address {
    path: PathBuf,
    /// Keeps the number in `path` valid.
    _folder: Option<File>,
}

impl Address {
    /// The address of the socket at `path`, whose folder exists. Errors: the folder cannot be opened, or the socket's
    /// bare name is too long.
    pub fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= MAX_ADDRESS {
            return Ok(Self { path: path.to_path_buf(), _folder: None });
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        let folder = File::open(folder)?;
        let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        if short.as_os_str().len() > MAX_ADDRESS {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        Ok(Self { path: short, _folder: Some(folder) })
    }

    /// What to bind or connect to while this value lives.
    pub fn as_path(&self) -> &Path {
        &self.path
    }
}

/// Whether somebody listens at the socket.
pub fn answers(path: &Path) -> bool {
    Address::of(path).and_then(|address| UnixStream::connect(address.as_path())).is_ok()
}

/// A bound admin socket; its file goes when this value does.
#[derive(Debug)]
pub struct Bound {
    path: PathBuf,
    owner: u32,
}

impl Bound {
    /// Binds the socket at `path` for the owner of `data`. The caller holds the data file, so a socket that is there
    /// already is a dead one and is replaced. Errors: something else than a socket is there, or the system refuses.
    pub fn listen(path: &Path, data: &Path) -> io::Result<(Self, UnixListener)> {
        match fs::symlink_metadata(path) {
            Ok(there) if there.file_type().is_socket() => fs::remove_file(path)?,
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => {}
        }
        let owner = fs::metadata(data)?.uid();
        let listener = UnixListener::bind(Address::of(path)?.as_path())?;
        let bound = Self { path: path.to_path_buf(), owner };
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok((bound, listener))
    }

    /// The owner of the data file: who may administer, besides root.
    pub fn owner(&self) -> u32 {
        self.owner
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // If it cannot be removed, the next start replaces it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a process of this uid may administer.
pub fn may_administer(uid: u32, owner: u32) -> bool {
    uid == 0 || uid == owner
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_in(folder: &Path) -> PathBuf {
        let data = folder.join("auther.redb");
        fs::write(&data, "").unwrap();
        data
    }

    #[test]
    fn the_socket_is_beside_the_file_that_a_link_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let data = data_in(folder.path());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&data, &link).unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        assert_eq!(path_of(&data), real.join("auther.sock"));
        assert_eq!(path_of(&link), path_of(&data));
        assert_eq!(path_of(&folder.path().join("new.redb")), real.join("new.sock"));
        assert_ne!(path_of(Path::new("/x/data.sock")), Path::new("/x/data.sock"));
    }

    #[test]
    fn only_the_owner_may_open_it_and_it_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let data = data_in(folder.path());
        let path = path_of(&data);
        let (bound, listener) = Bound::listen(&path, &data).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(answers(&path));
        drop((bound, listener));
        assert!(!path.exists());
        assert!(!answers(&path));
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let data = data_in(folder.path());
        let path = path_of(&data);
        drop(UnixListener::bind(&path).unwrap());
        let (bound, _listener) = Bound::listen(&path, &data).unwrap();
        assert!(answers(&path));
        drop(bound);
        fs::write(&path, "precious").unwrap();
        assert_eq!(Bound::listen(&path, &data).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_path_longer_than_an_address_works() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(90)).join("e".repeat(90));
        fs::create_dir_all(&deep).unwrap();
        let data = data_in(&deep);
        let path = path_of(&data);
        assert!(path.as_os_str().len() > 180);
        let (_bound, listener) = Bound::listen(&path, &data).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(answers(&path));
        let (peer, _) = listener.accept().unwrap();
        drop(peer);
        assert!(Address::of(&deep.join("n".repeat(120))).is_err());
    }

    #[test]
    fn root_and_the_owner_may_administer_and_nobody_else() {
        assert!(may_administer(0, 1000));
        assert!(may_administer(1000, 1000));
        assert!(!may_administer(1001, 1000));
        assert!(!may_administer(1000, 0));
    }

    #[actix_web::test]
    async fn the_peer_of_a_connection_is_known_by_its_uid() {
        let folder = tempfile::tempdir().unwrap();
        let data = data_in(folder.path());
        let path = path_of(&data);
        let (bound, listener) = Bound::listen(&path, &data).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::UnixStream::from_std(stream).unwrap();
        let uid = stream.peer_cred().unwrap().uid();
        assert_eq!(uid, fs::metadata(folder.path()).unwrap().uid());
        assert!(may_administer(uid, bound.owner()));
    }
}
