//! The scenarios, one module each. What ends one early leaves its other facts untried, and the next one begins.

mod calls;
mod change;
mod creation;
mod deletion;
mod directory;
mod permission;
mod policies;
mod sessions;
mod tags;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aliyun::credentials::Credentials;
use authorization::baseline::DTS;

use crate::book::Book;
use crate::cloud::{Answer, Ask, Cloud};
use crate::facts::Part;
use crate::scratch::Scratch;
use crate::{Caller, Stop};

/// What is written must be seen within this time: about as long as the guard's second look waits.
const SOON: Duration = Duration::from_secs(10);
/// After this much more nothing is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
const STEP: Duration = Duration::from_millis(500);

/// The description of the scratch role: not only ASCII, since the vendor's own is not.
const DESCRIPTION: &str = "Scratch role of a conformance run, 符合性测试. May be deleted.";
const SESSION_SECONDS: u32 = 7200;

/// One run.
pub(crate) struct Suite {
    pub(crate) cloud: Cloud,
    pub(crate) keys: Credentials,
    pub(crate) caller: Caller,
    pub(crate) book: Arc<Book>,
    pub(crate) scratch: Arc<Scratch>,
    /// The keys of the session role, once there are some.
    pub(crate) session: Mutex<Option<Credentials>>,
}

impl Suite {
    /// All parts, one after the other.
    pub(crate) async fn run(&self) {
        if let Err(stop) = self.begin().await {
            return self.close(&Part::ALL, &stop);
        }
        // The parts on the scratch role build on each other; once it is not ours, none goes on.
        let role_parts = [
            Part::Creation,
            Part::Change,
            Part::Policies,
            Part::Tags,
            Part::Permission,
            Part::Sessions,
            Part::Deletion,
        ];
        self.part(Part::Calls).await;
        for (index, part) in role_parts.into_iter().enumerate() {
            if let Err(stop) = self.still_ours(part).await {
                self.close(role_parts.get(index..).unwrap_or_default(), &stop);
                break;
            }
            self.part(part).await;
        }
        self.part(Part::Directory).await;
    }

    async fn part(&self, part: Part) {
        let ended = match part {
            Part::Calls => calls::run(self).await,
            Part::Creation => creation::run(self).await,
            Part::Change => change::run(self).await,
            Part::Policies => policies::run(self).await,
            Part::Tags => tags::run(self).await,
            Part::Permission => permission::run(self).await,
            Part::Sessions => sessions::run(self).await,
            Part::Deletion => deletion::run(self).await,
            Part::Directory => directory::run(self).await,
        };
        match ended {
            Ok(()) => self.book.close(part, "the scenario did not come to it"),
            Err(stop) => self.book.close(part, &stop.to_string()),
        }
    }

    fn close(&self, parts: &[Part], stop: &Stop) {
        for part in parts {
            self.book.close(*part, &stop.to_string());
        }
    }

    /// Whatever has one of our names already is somebody's.
    async fn begin(&self) -> Result<(), Stop> {
        let names = &self.cloud.names;
        for name in [names.role(), names.session_role(), names.missing_role()] {
            let answer = self.send(&Ask::role("GetRole", &name)).await?;
            if answer.is_done() {
                return Err(Stop::Strange(name));
            }
            // Another answer than "missing" may be a missing permission: then nothing could be learnt, or cleaned up.
            if !answer.is("EntityNotExist.Role") {
                return Err(Stop::answered("GetRole", &answer));
            }
        }
        Ok(())
    }

    /// A write goes by name. Before each part the role of that name must still be the one that this run made.
    async fn still_ours(&self, part: Part) -> Result<(), Stop> {
        let name = self.cloud.names.role();
        match (part, self.scratch.id(&name)) {
            (Part::Creation, _) => Ok(()),
            (_, None) => Err(Stop::Needed("the scratch role was not made".to_owned())),
            (_, Some(id)) => {
                let has_id = |answer: &Answer| answer.text("/Role/RoleId") == Some(id.as_str());
                let (answer, _) = self.until(&Ask::role("GetRole", &name), |it| has_id(it) || it.is_done()).await?;
                if has_id(&answer) { Ok(()) } else { Err(Stop::Strange(name)) }
            }
        }
    }

    pub(crate) async fn send(&self, ask: &Ask) -> Result<Answer, Stop> {
        self.cloud.send(&self.keys, ask).await
    }

    /// A call that the rest builds on.
    pub(crate) async fn need(&self, ask: &Ask) -> Result<Answer, Stop> {
        let answer = self.send(ask).await?;
        if answer.is_done() { Ok(answer) } else { Err(Stop::answered(ask.operation, &answer)) }
    }

    /// Sends until the answer is as it should be, and tells how long that took.
    async fn until(&self, ask: &Ask, good: impl Fn(&Answer) -> bool) -> Result<(Answer, Duration), Stop> {
        self.until_with(&self.keys, ask, good).await
    }

    async fn until_with(
        &self,
        keys: &Credentials,
        ask: &Ask,
        good: impl Fn(&Answer) -> bool,
    ) -> Result<(Answer, Duration), Stop> {
        let begin = self.cloud.clock.uptime();
        loop {
            let answer = self.cloud.send(keys, ask).await?;
            let took = self.cloud.clock.uptime().saturating_sub(begin);
            if good(&answer) || took > PATIENCE {
                return Ok((answer, took));
            }
            self.cloud.clock.sleep(STEP).await;
        }
    }

    /// A fact of the kind "within 10 s". What does not come at all ends the part, since the rest builds on it.
    async fn soon(&self, id: &str, ask: &Ask, good: impl Fn(&Answer) -> bool) -> Result<Answer, Stop> {
        let (answer, took) = self.until(ask, &good).await?;
        let came = good(&answer);
        let seen = match (came, took) {
            (true, took) => format!("after {:.1} s", took.as_secs_f64()),
            (false, took) => format!("not within {} s: {}", took.as_secs(), answer.seen()),
        };
        self.book.write(id, came && took <= SOON, seen, answer.request_id.clone());
        if came { Ok(answer) } else { Err(Stop::answered(ask.operation, &answer)) }
    }

    /// A fact of the kind "it answers this code".
    async fn answers(&self, id: &str, ask: &Ask, codes: &[&str]) -> Result<Answer, Stop> {
        let answer = self.send(ask).await?;
        self.book.judge(id, codes.iter().any(|code| answer.is(code)), &answer);
        Ok(answer)
    }

    /// Makes a role and holds its id.
    async fn create(&self, ask: &Ask) -> Result<Answer, Stop> {
        let name = ask.param("RoleName").unwrap_or_default();
        self.scratch.asked_for(name, ask.param("AssumeRolePolicyDocument").unwrap_or_default());
        let answer = self.send(ask).await?;
        self.scratch.answered(name, &answer);
        Ok(answer)
    }

    /// The scratch role as it is made: the vendor's trust policy, and settings to lose.
    fn creation(&self) -> Ask {
        let ask = Ask::role("CreateRole", &self.cloud.names.role());
        let ask = ask.with("AssumeRolePolicyDocument", DTS.trust).with("Description", DESCRIPTION);
        ask.with("MaxSessionDuration", SESSION_SECONDS).with("AllowConsoleLogin", true)
    }

    fn session(&self) -> Result<Credentials, Stop> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).clone();
        session.ok_or_else(|| Stop::Needed("there is no session of the session role".to_owned()))
    }
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Calls,
        Self::Creation,
        Self::Change,
        Self::Policies,
        Self::Tags,
        Self::Permission,
        Self::Sessions,
        Self::Deletion,
        Self::Directory,
    ];
}
