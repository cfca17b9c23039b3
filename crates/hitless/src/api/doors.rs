//! Every door of the supervisor's API: which there are, and who may come to them.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use hitless_config::Privilege;
use nix::unistd::{Gid, Group, getgroups, setgroups};
use tokio::task::JoinSet;

use super::app::App;
use super::serve::{self, bind_std};
use super::tls::{Door, Network};
use super::{follow, routes};

/// What the command line says about doors.
#[derive(Clone, Debug, Default, Args)]
pub struct DoorOptions {
    /// Whose members may use the socket, beside root
    #[arg(long, value_name = "GROUP")]
    socket_group: Option<String>,
    /// Where to answer those who may only look; the socket's path with "-ro" behind it if none is named
    #[arg(long, value_name = "PATH")]
    socket_ro: Option<PathBuf>,
    /// Whose members may use that one
    #[arg(long, value_name = "GROUP")]
    socket_ro_group: Option<String>,
    /// Where to answer over TCP, with TLS and tokens
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The certificate for it, in PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// The tokens: lines with "reader TOKEN" or "administrator TOKEN"
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl DoorOptions {
    /// As they are written on a command line, with absolute paths.
    ///
    /// # Errors
    /// When there is no working directory.
    pub fn to_arguments(&self) -> Result<Vec<OsString>> {
        let words =
            [("--socket-group", &self.socket_group), ("--socket-ro-group", &self.socket_ro_group)];
        let files = [
            ("--socket-ro", &self.socket_ro),
            ("--tls-cert", &self.tls_cert),
            ("--tls-key", &self.tls_key),
            ("--token-file", &self.token_file),
        ];
        let mut arguments: Vec<OsString> = Vec::new();
        for (name, word) in words {
            arguments.extend(word.iter().flat_map(|word| [name.into(), word.into()]));
        }
        for (name, file) in files {
            let Some(file) = file else { continue };
            let file = std::path::absolute(file).context("working directory")?;
            arguments.extend([name.into(), file.into()]);
        }
        let listen = self.listen.map(|at| ["--listen".into(), at.to_string().into()]);
        arguments.extend(listen.into_iter().flatten());
        Ok(arguments)
    }

    /// Opens the doors beside the administrators' one. While this process may still do everything.
    ///
    /// # Errors
    /// What is missing or wrong, in one sentence.
    pub fn open(&self, socket: &Path) -> Result<Doors> {
        let beside = || {
            let mut path = socket.as_os_str().to_owned();
            path.push("-ro");
            PathBuf::from(path)
        };
        let path = self.socket_ro.clone().unwrap_or_else(beside);
        let group = self.socket_group.as_deref().map(join_group).transpose()?;
        let readers_group = self.socket_ro_group.as_deref().map(join_group).transpose()?;
        let network = self.network()?.map(|network| network.open()).transpose()?;
        let readers =
            bind_std(&path).with_context(|| format!("readers' socket {}", path.display()))?;
        admit(&path, readers_group)?;
        Ok(Doors { socket: socket.to_owned(), group, readers: Some((readers, path)), network })
    }

    fn network(&self) -> Result<Option<Network>> {
        let files = (&self.tls_cert, &self.tls_key, &self.token_file);
        match (self.listen, files) {
            (None, (None, None, None)) => Ok(None),
            (Some(listen), (Some(certificate), Some(key), Some(tokens))) => {
                let (certificate, key, tokens) = (certificate.clone(), key.clone(), tokens.clone());
                Ok(Some(Network { listen, certificate, key, tokens }))
            }
            _ => bail!(
                "the API over TCP needs all of --listen, --tls-cert, --tls-key and --token-file, or none"
            ),
        }
    }
}

/// Makes this process a member of a group, so that it may give sockets to it for as long as it lives:
/// the right to join another one is given up soon.
fn join_group(name: &str) -> Result<Gid> {
    let found = Group::from_name(name).with_context(|| format!("group {name}"))?;
    let gid = found.with_context(|| format!("there is no group {name}"))?.gid;
    let mut groups = getgroups().context("groups of this process")?;
    if !groups.contains(&gid) {
        groups.push(gid);
        setgroups(&groups).with_context(|| format!("group {name} cannot be joined"))?;
    }
    Ok(gid)
}

/// Lets the members of a group use a socket.
fn admit(path: &Path, group: Option<Gid>) -> Result<()> {
    let Some(group) = group else { return Ok(()) };
    chown(path, None, Some(group.as_raw())).with_context(|| format!("group of {}", path.display()))
}

/// Open doors, beside the administrators' one, which the supervisor keeps.
pub struct Doors {
    socket: PathBuf,
    group: Option<Gid>,
    readers: Option<(UnixListener, PathBuf)>,
    network: Option<Door>,
}

/// Served doors; they close when it is dropped.
pub(crate) struct Served {
    tasks: JoinSet<()>,
    path: Option<PathBuf>,
}

impl Doors {
    /// No door beside the administrators' one.
    pub fn one(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), group: None, readers: None, network: None }
    }

    /// Serves everybody who comes, in a runtime.
    pub(crate) fn serve(self, administrators: UnixListener, app: App) -> Result<Served> {
        admit(&self.socket, self.group)?;
        let app = Arc::new(app);
        let router = routes::router(Arc::clone(&app));
        let mut tasks = JoinSet::new();
        let (readers, path) = self.readers.unzip();
        let administrators = Some((administrators, Privilege::Administrator));
        let doors = administrators.into_iter().chain(readers.map(|door| (door, Privilege::Reader)));
        for (listener, privilege) in doors {
            listener.set_nonblocking(true).context("socket")?;
            let listener = tokio::net::UnixListener::from_std(listener).context("socket")?;
            tasks.spawn(serve::local(listener, privilege, router.clone()));
        }
        if let Some(network) = self.network {
            tasks.spawn(async move {
                if let Err(error) = network.serve(router).await {
                    tracing::error!("the API is not served over TCP: {error}");
                }
            });
        }
        tasks.spawn(follow::everything(app));
        Ok(Served { tasks, path })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.abort_all();
        let Some(path) = &self.path else { return };
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!("{}: {error}", path.display());
        }
    }
}
