//! The primary's tables → another schema. One region at a time does it: it holds a row of `_meta` that runs out by itself, and
//! as long as the row counts nobody writes records. So what is judged here, on the replica, is what is changed there.

use super::{Region, ask, batch, number};
use crate::limits;
use crate::primary::SendError;
use crate::store::clock::now_ms;
use crate::store::file;
use crate::store::migrate::{self, Judged, MigrateError, Mode, Ran};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_schema::model::Schema;
use stoa_schema::value::Value;
use uuid::Uuid;

/// Brings the primary to a schema, if it is not there.
pub(super) async fn migrate(
    region: &Arc<Region>,
    schema: &Schema,
    mode: Mode,
    announce: &mut (dyn FnMut(&[String]) + Send),
) -> Result<Vec<Ran>, MigrateError> {
    let me = Uuid::new_v4().simple().to_string();
    let began = Instant::now();
    while region.shape.load().is_none() || mode == Mode::Plan {
        if !take_turn(region, &me).await? {
            if began.elapsed() > limits::MIGRATION_WAIT {
                return Err(MigrateError::Primary("another region's migration does not end".into()));
            }
            tokio::time::sleep(limits::SEND_AGAIN).await;
            continue;
        }
        let done = with_turn(region, schema, mode, &me).await;
        give_turn_back(region, &me).await;
        let Judged { ran, told, .. } = done?;
        announce(&told);
        return Ok(ran);
    }
    Ok(Vec::new())
}

async fn with_turn(region: &Arc<Region>, schema: &Schema, mode: Mode, me: &str) -> Result<Judged, MigrateError> {
    // Nobody writes any more: what is here when it is as far as the primary is what counts.
    let position = batch::rows(batch::POSITION);
    let seq = ask(&region.asking, vec![position]).await.map_err(|error| failed(&error))?;
    let seq = number(&seq).unwrap_or_default().unsigned_abs();
    let frame = region.connection.clone().last_frame(limits::PULSE_WAIT).await;
    let frame = frame.map_err(|error| MigrateError::Primary(error.to_string()))?;
    if !region.pulse.waits_for(frame, limits::MIGRATION_WAIT).await {
        return Err(MigrateError::Primary("the replica does not catch up with the primary".into()));
    }
    let (database, shape) = (region.files.load().path().to_owned(), schema.clone());
    let judged = region.trial.run(&database, move |connection| Ok(migrate::judge(connection, &shape, mode)));
    let judged = judged.await??;
    if mode == Mode::Plan || judged.is_nothing {
        return Ok(judged);
    }
    let id = Uuid::new_v4().simple().to_string();
    let mut statements = vec![
        batch::statement(MINE, &[Value::Text(format!("% {me}"))]),
        batch::statement(SAME_POSITION, &[Value::Int(seq.cast_signed())]),
    ];
    statements.extend(judged.ran.iter().map(|ran| batch::statement(&ran.statement, &[])));
    let mut set = |key: &str, value: String| {
        let params = [Value::Text(key.to_owned()), Value::Text(value)];
        statements.push(batch::statement(file::SET_META, &params));
    };
    set("shape", judged.shape.clone());
    set(file::SHAPE_ID, id.clone());
    if judged.was_shaped {
        set(file::SHAPED_AT, seq.to_string());
    }
    if judged.is_destructive {
        set("log", Uuid::new_v4().simple().to_string()[..8].to_owned());
    }
    statements.push(batch::statement("DELETE FROM _meta WHERE key='migrating'", &[]));
    ask(&region.asking, statements).await.map_err(|error| failed(&error))?;
    let began = Instant::now();
    while region.shape.load().as_deref() != Some(&id) {
        if began.elapsed() > limits::MIGRATION_WAIT {
            return Err(MigrateError::Primary("the new tables do not arrive here".into()));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(judged)
}

/// A row says until when, in milliseconds since 1970, and which migration keeps others from writing.
const MINE: &str = "INSERT INTO _assert SELECT EXISTS(SELECT 1 FROM _meta WHERE key='migrating' AND value LIKE ?1)";
const SAME_POSITION: &str = "INSERT INTO _assert SELECT coalesce(max(seq),0)=?1 FROM _changes";

fn failed(error: &SendError) -> MigrateError {
    MigrateError::Primary(error.to_string())
}

/// Keeps others from writing, unless another migration does.
async fn take_turn(region: &Region, me: &str) -> Result<bool, MigrateError> {
    let until = now_ms() + i64::try_from(limits::MIGRATION_TURN.as_millis()).unwrap_or(i64::MAX / 2);
    let take = "INSERT INTO _meta(key,value) VALUES('migrating',?1) ON CONFLICT(key) DO UPDATE SET value=excluded.value \
                WHERE CAST(value AS INTEGER)<?2";
    let params = [Value::Text(format!("{until} {me}")), Value::Int(now_ms())];
    let taken = ask(&region.asking, vec![batch::statement(take, &params)]).await.map_err(|error| failed(&error))?;
    Ok(taken.affected_row_count > 0)
}

async fn give_turn_back(region: &Region, me: &str) {
    let give = "DELETE FROM _meta WHERE key='migrating' AND value LIKE ?1";
    let given = ask(&region.asking, vec![batch::statement(give, &[Value::Text(format!("% {me}"))])]).await;
    if let Err(error) = given {
        tracing::warn!(%error, "the turn to migrate was not given back: it runs out by itself");
    }
}
