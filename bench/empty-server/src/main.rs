//! Answers every request with `ok` and does nothing else: the HTTP library, runtime, allocator and settings of Kenwell's
//! gateway, without Kenwell. `kenwell-bench-empty-server 127.0.0.1:8080`

use std::convert::Infallible;

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// As in Kenwell's gateway.
const BUFFER_BYTES: usize = 32 * 1024;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.context("give it an address and a port, such as 127.0.0.1:8080")?;
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("cannot listen at {address}"))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream));
    }
}

async fn serve(stream: TcpStream) {
    let mut http = http1::Builder::new();
    http.max_buf_size(BUFFER_BYTES)
        .title_case_headers(true)
        .half_close(true);
    // A connection that ends early is the generator's to tell of.
    drop(
        http.serve_connection(TokioIo::new(stream), service_fn(answer))
            .await,
    );
}

/// Reads the body, as every server must, and throws it away.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    drop(request.into_body().collect().await);
    let mut response = Response::new(Full::new(Bytes::from_static(b"ok")));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    Ok(response)
}
