//! Connections: accepted up to a number, closed when they are slow, finished when the server stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::pace::Pace;

/// Connections at a time; further ones wait for one to end.
const MOST: usize = 512;
/// Longest time that running answers may take when the server stops.
const GRACE: Duration = Duration::from_secs(600);
/// Pause where the system has no file handles left.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Serves until `stop`, then finishes what runs. `stopping` is called in between.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    pace: Pace,
    stop: impl Future<Output = ()>,
    stopping: impl Fn(),
) {
    let places = Arc::new(Semaphore::new(MOST));
    let (close, closing) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            (place, stream, _) = accept(&listener, &places) => {
                let connection = connection(stream, router.clone(), closing.clone(), pace.head);
                tasks.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Some(_) = tasks.join_next() => {}
            () = &mut stop => break,
        }
    }
    drop(listener); // new connections are refused
    stopping();
    close.send_replace(true);
    let finished = timeout(GRACE, async { while tasks.join_next().await.is_some() {} });
    let _ = finished.await; // what still runs is cut off
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, TcpStream, SocketAddr) {
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (place, stream, address),
            Err(error) if broke_off(&error) => {}
            Err(_) => sleep(EXHAUSTED).await,
        }
    }
}

/// The client left before it was accepted.
fn broke_off(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, router: Router, mut closing: watch::Receiver<bool>, head: Duration) {
    let _ = stream.set_nodelay(true); // a delay is all that is lost
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return, // a client that breaks off is no error of ours
        _ = closing.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
