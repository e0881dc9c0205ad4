//! `cargo xtask serve`: serves the built page on localhost. Any static file host works as well.

use crate::{run, web};
use anyhow::{Context, Result, ensure};
use axum::Router;
use clap::Args;
use std::{net::TcpListener, path::Path};
use tokio::runtime::Builder;
use tower_http::services::ServeDir;

/// Options of `cargo xtask serve`.
#[derive(Args)]
pub struct Options {
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Serve web/dist/page as it is
    #[arg(long)]
    no_build: bool,
    #[command(flatten)]
    web: web::Options,
}

/// Builds the page, prints its address, and serves until stopped.
pub fn run(options: &Options) -> Result<()> {
    // Before the build, which takes minutes: is the port free?
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .with_context(|| format!("port {} is taken; choose another with --port", options.port))?;
    if !options.no_build {
        web::run(&options.web)?;
    }
    let folder = run::root().join("web/dist/page");
    ensure!(folder.join("index.html").exists(), "{} holds no page; leave out --no-build", folder.display());
    println!("http://localhost:{}/", listener.local_addr()?.port());
    serve(listener, &folder)
}

/// Serves a folder for ever; every connection has a task of its own, and files are read on other threads.
fn serve(listener: TcpListener, folder: &Path) -> Result<()> {
    listener.set_nonblocking(true)?;
    let router = Router::new().fallback_service(ServeDir::new(folder));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpStream};
    use std::thread;

    const FILES: [(&str, &str); 3] =
        [("index.html", "text/html"), ("app.js", "text/javascript"), ("engine.wasm", "application/wasm")];

    fn ask(port: u16, path: &str) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        stream.shutdown(Shutdown::Both).ok();
        Ok(answer)
    }

    #[test]
    fn no_page_open_is_left_unread() -> Result<()> {
        let folder = run::target(&run::root()).join("xtask-serve-test");
        std::fs::create_dir_all(&folder)?;
        for (name, _) in FILES {
            std::fs::write(folder.join(name), vec![b'.'; 1 << 20])?;
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || serve(listener, &folder));
        // 64 pages at once, each with its files at once, as a browser opens them.
        let opens = (0..64 * FILES.len()).map(|open| {
            thread::spawn(move || {
                let (name, kind) = FILES[open % FILES.len()];
                ask(port, &format!("/{name}")).map(|answer| (answer, kind))
            })
        });
        for open in opens.collect::<Vec<_>>() {
            let (answer, kind) = open.join().expect("the thread of a page")?;
            let head = String::from_utf8_lossy(&answer[..answer.len().min(300)]).to_lowercase();
            assert!(head.starts_with("http/1.1 200") && head.contains(&format!("content-type: {kind}")), "{head}");
            assert!(answer.len() > 1 << 20, "{} bytes", answer.len());
        }
        assert!(ask(port, "/")?.starts_with(b"HTTP/1.1 200"), "a folder is its index.html");
        for outside in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/missing.js"] {
            assert!(ask(port, outside)?.starts_with(b"HTTP/1.1 404"), "{outside}");
        }
        Ok(())
    }
}
