//! The server as a whole: bound to a port, run until told to stop.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use af2_core::config::AudioConfig;
use axum::http::HeaderValue;
use tokio::runtime::Builder;

use crate::app::App;
use crate::connections;
use crate::pace::Pace;
use crate::queue::Queue;
use crate::request::{AudioRules, Fetch};
use crate::routes::router;

/// Threads that speak HTTP.
const THREADS: usize = 2;
/// Threads that decode audio and fetch it.
const DECODERS: usize = 16;

/// What a server offers.
pub struct Settings {
    /// Name of the model.
    pub model: String,
    /// How its audio is cut.
    pub audio: AudioConfig,
    /// Windows of a clip that are heard.
    pub max_windows: usize,
    /// What fetches audio from the network; none where that is not allowed.
    pub fetch: Option<Box<dyn Fetch>>,
    /// The key that requests must have.
    pub api_key: Option<String>,
    /// Origins whose pages may ask; `*` for all.
    pub origins: Vec<String>,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    pace: Pace,
}

impl Server {
    /// Listens; port 0 is any free one.
    ///
    /// # Errors
    /// The host is unknown, or the port is taken or forbidden.
    pub fn bind(host: &str, port: u16) -> io::Result<Self> {
        let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
        let listener = TcpListener::bind(&addresses[..])?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, pace: Pace::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves on this thread and a few others until `stop`, then closes the queue and finishes the running answers. `stopping` is called in
    /// between. Another thread calls [`Queue::work`].
    ///
    /// # Errors
    /// An origin is no header, or the system has no threads or timers left.
    pub fn run<S: Future<Output = ()>>(
        self,
        settings: Settings,
        queue: &Arc<Queue>,
        stop: impl FnOnce() -> S,
        stopping: impl Fn(),
    ) -> io::Result<()> {
        let ended = Closing(queue);
        let origins = settings.origins.iter().map(|origin| origin.parse().map_err(|_| not_an_origin(origin)));
        let origins: Vec<HeaderValue> = origins.collect::<io::Result<_>>()?;
        let Settings { audio, max_windows, fetch, .. } = settings;
        let rules = AudioRules { config: audio, max_windows, fetch };
        let loopback = self.address.ip().is_loopback();
        let app = App::new(settings.model, rules, queue.clone());
        let app = Arc::new(App { api_key: settings.api_key, pace: self.pace, loopback, ..app });
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(DECODERS)
            .thread_name("http")
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let closed = || {
                queue.close();
                stopping();
            };
            connections::serve(listener, router(app, &origins), self.pace, stop(), closed).await;
            io::Result::Ok(())
        })?;
        drop(ended);
        runtime.shutdown_background(); // a decoder or a fetch may still block
        Ok(())
    }
}

/// Closes a queue when the server ends, however that happens: the answering thread must not wait for ever.
struct Closing<'a>(&'a Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn not_an_origin(origin: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{origin:?} is no origin; give one such as http://localhost:3000"),
    )
}

/// Ends with the first signal to stop: Ctrl-C, or on Unix SIGTERM. A second one ends the process at once.
pub async fn signals() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests;
