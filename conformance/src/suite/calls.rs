//! What surrounds a call.

use aliyun::credentials::Credentials;
use aliyun::signing::Method;
use aliyun::{SignedRequest, secret::Secret};
use jiff::SignedDuration;

use super::Suite;
use crate::Stop;
use crate::cloud::{Answer, Ask};

const OFF: SignedDuration = SignedDuration::from_mins(-20);

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let (cloud, keys, book) = (&suite.cloud, &suite.keys, &suite.book);
    // A read of a role that is not there: all that matters is whether the call gets that far.
    let ask = Ask::role("GetRole", &cloud.names.missing_role());

    let late = cloud.post(keys, &ask, cloud.signed(keys, &ask, cloud.method, OFF)).await?;
    let is_refused = late.code.as_deref().is_some_and(|code| code.to_lowercase().starts_with("invalidtimestamp"));
    book.judge("time-refused", is_refused, &late);
    let told = if late.has_date { "a `Date` that can be read" } else { "no `Date` that can be read" };
    book.write("time-told", late.has_date, told, late.request_id.clone());

    let post = cloud.signed(keys, &ask, cloud.method, SignedDuration::ZERO);
    let again = SignedRequest { url: post.url.clone(), headers: post.headers.clone(), body: post.body.clone(), ..post };
    cloud.post(keys, &ask, post).await?;
    let again = cloud.post(keys, &ask, again).await?;
    book.judge("nonce-refused", again.is("SignatureNonceUsed"), &again);

    let mut refused = None;
    for method in [Method::HmacSha1, Method::Acs3] {
        let answer = cloud.post(keys, &ask, cloud.signed(keys, &ask, method, SignedDuration::ZERO)).await?;
        refused = refused.or(Some(answer).filter(|answer| !answer.is("EntityNotExist.Role")));
    }
    let seen = refused.as_ref().map_or_else(|| "both are accepted".to_owned(), Answer::seen);
    book.write("both-signatures", refused.is_none(), seen, refused.and_then(|answer| answer.request_id));

    let wrong = Credentials { access_key_secret: Secret::from("wrong-secret-of-a-conformance-run"), ..keys.clone() };
    let answer = cloud.post(&wrong, &ask, cloud.signed(&wrong, &ask, cloud.method, SignedDuration::ZERO)).await?;
    book.judge("signature-refused", answer.is("SignatureDoesNotMatch"), &answer);

    // In the vendor's form, and nobody's. Without the token: that would be of another key.
    let nobody = Credentials { access_key_id: "LTAI5tConformanceNobody0".to_owned(), security_token: None, ..wrong };
    let answer = cloud.post(&nobody, &ask, cloud.signed(&nobody, &ask, cloud.method, SignedDuration::ZERO)).await?;
    book.judge("key-unknown", answer.is("InvalidAccessKeyId.NotFound"), &answer);
    Ok(())
}
