//! One guard's way to the cloud and to the folder: each call waits in a queue until it is granted.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use aliyun::{BoxFuture, Reply, SignedRequest, Transport, TransportError};
use authorization::target::AccountId;
use dts_role_guard::journal::{Records, Store};

use super::bug::Saboteur;
use super::shared::{Op, Outcome};

type Slot = Arc<Mutex<Option<Outcome>>>;
pub(super) type Queue = Arc<Mutex<VecDeque<(Op, Slot)>>>;

/// One guard's way to the world.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) queue: Queue,
    /// Between this guard and the world.
    pub(super) saboteur: Saboteur,
}

impl Gate {
    async fn ask(&self, op: Op) -> Outcome {
        if let Some(outcome) = self.saboteur.instead(&op) {
            return outcome;
        }
        let slot = Slot::default();
        self.queue.lock().unwrap().push_back((op.clone(), slot.clone()));
        let outcome = std::future::poll_fn(|_| slot.lock().unwrap().take().map_or(Poll::Pending, Poll::Ready)).await;
        self.saboteur.told(&op, outcome)
    }
}

impl Transport for Gate {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        let signing = ["Signature", "SignatureNonce", "Timestamp", "SecurityToken", "AccessKeyId"];
        let fields = url::form_urlencoded::parse(request.body.as_bytes()).into_owned();
        let params = fields.filter(|(name, _)| !signing.contains(&name.as_str())).collect();
        Box::pin(async move {
            let Outcome::Answer(answer) = self.ask(Op::Call(params)).await else { unreachable!() };
            let (status, body) = match answer {
                Ok(body) => (200, body),
                Err(code) => (400, serde_json::json!({"Code": code})),
            };
            Ok(Reply { status, content_type: String::new(), date: None, body: body.to_string().into_bytes().into() })
        })
    }
}

impl Store for Gate {
    /// A run for one role does not ask.
    fn records(&self) -> BoxFuture<'_, io::Result<Records>> {
        unreachable!()
    }

    fn generations<'a>(&'a self, _: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
        Box::pin(async {
            let Outcome::Generations(list) = self.ask(Op::Generations).await else { unreachable!() };
            Ok(list)
        })
    }

    fn read<'a>(&'a self, _: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let Outcome::Bytes(bytes) = self.ask(Op::Read(generation)).await else { unreachable!() };
            bytes.ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn claim<'a>(&'a self, _: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move {
            let Outcome::Claimed(claimed) = self.ask(Op::Claim(generation, bytes)).await else { unreachable!() };
            Ok(claimed)
        })
    }

    fn replace<'a>(&'a self, _: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            self.ask(Op::Replace(generation, bytes)).await;
            Ok(())
        })
    }

    fn set_aside<'a>(&'a self, _: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<String>> {
        Box::pin(async move {
            self.ask(Op::SetAside(generation)).await;
            Ok("aside".to_owned())
        })
    }

    fn forget_before<'a>(&'a self, _: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            self.ask(Op::ForgetBefore(generation)).await;
            Ok(())
        })
    }
}
