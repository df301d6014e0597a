//! All the Lua there is. Each script touches one key; none is on the hit path, but for servers
//! before Redis 7.0.

use std::sync::LazyLock;

/// A script and the name that the server gives it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) text: &'static str,
    pub(crate) sha1: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, sha1: redis::Script::new(text).get_hash().to_owned() }
    }
}

/// The scripts, hashed once.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) fill: Script,
    pub(crate) release: Script,
    pub(crate) renew: Script,
    pub(crate) takeover: Script,
    pub(crate) takeover_foreign: Script,
    pub(crate) refill: Script,
    pub(crate) write_end: Script,
}

/// The value replaces the lease it was loaded under, and nothing else. An unconditional `SET` is the stale set: start,
/// read, commit, invalidate, fill (5 steps; 9,458 stale reads in 10 s).
const FILL: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, 17) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1";

/// Without the comparison a late release would free somebody else's lease: two live loaders in 5 steps. Where the
/// server is out of memory the marker is not written; the lease goes all the same.
const RELEASE: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, 17) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then
  local left = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  if type(left) == 'table' and not left.err then return 1 end
end
redis.call('DEL', KEYS[1])
return 1";

/// Never creates the key: a renewal that could would bring back a lease that an invalidation revoked (6 steps).
const RENEW: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, 17) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// A lease in place of what was observed: a corrupt entry, one of another schema, the marker of an ended load.
const TAKEOVER: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
if #ARGV[1] == 0 and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// A lease in place of a list, a hash or any other kind.
const TAKEOVER_FOREIGN: &str = "\
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'string' or kind == 'none' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// The value replaces the one that was read before its load began, and nothing else. Without the comparison a refresh
/// brings back what was invalidated meanwhile: find, read, commit, invalidate, refill (5 steps).
const REFILL: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1";

/// The value replaces its own write marker. Anything else says that another writer was at work meanwhile, or that the
/// marker ran out: whose value is the newer one cannot be known, so nothing stays. Stored without the comparison, the
/// older of two writes could stay for good (5 steps); left alone instead of deleted, the other writer's marker would let
/// its older value in (6 steps).
const WRITE_END: &str = "\
if redis.pcall('GETRANGE', KEYS[1], 0, 17) == ARGV[1] then
  local kept
  if ARGV[3] == '0' then kept = redis.pcall('SET', KEYS[1], ARGV[2])
  else kept = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
  if not kept.err then return 1 end
end
redis.call('DEL', KEYS[1])
return 0";

/// `SET .. NX GET`, which Redis knows since 7.0. The `SET` comes first also where there is a value: a server that takes no
/// writes must refuse, since no invalidation could land there, and a `GET` alone would still be answered.
const ACQUIRE: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return false end
return redis.call('GET', KEYS[1])";

/// `PEXPIRE .. GT`, which Redis knows since 7.0: what never expires stays so.
const EXTEND: &str = "\
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left >= tonumber(ARGV[1]) then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])";

/// `PEXPIREAT .. GT`, which Redis knows since 7.0. To a millisecond it may be said to end as it does by now: then it stays
/// so, and nobody is told of a change.
const EXTEND_UNTIL: &str = "\
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 0 end
local now = redis.call('TIME')
if now[1] * 1000 + math.floor(now[2] / 1000) + left + 1 >= tonumber(ARGV[1]) then return 0 end
return redis.call('PEXPIREAT', KEYS[1], ARGV[1])";

/// What servers before Redis 7.0 need instead of commands.
#[derive(Debug)]
pub(crate) struct Older {
    pub(crate) acquire: Script,
    pub(crate) extend: Script,
    pub(crate) extend_until: Script,
}

/// Hashed on first use: most servers are newer.
pub(crate) fn older() -> &'static Older {
    static OLDER: LazyLock<Older> = LazyLock::new(|| Older {
        acquire: Script::new(ACQUIRE),
        extend: Script::new(EXTEND),
        extend_until: Script::new(EXTEND_UNTIL),
    });
    &OLDER
}

/// In the order in which they are loaded on connect.
pub(crate) const ALL: [&str; 7] = [FILL, RELEASE, RENEW, TAKEOVER, TAKEOVER_FOREIGN, REFILL, WRITE_END];
/// The same for servers before Redis 7.0, in addition.
pub(crate) const ALL_OLDER: [&str; 3] = [ACQUIRE, EXTEND, EXTEND_UNTIL];

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            fill: Script::new(FILL),
            release: Script::new(RELEASE),
            renew: Script::new(RENEW),
            takeover: Script::new(TAKEOVER),
            takeover_foreign: Script::new(TAKEOVER_FOREIGN),
            refill: Script::new(REFILL),
            write_end: Script::new(WRITE_END),
        }
    }
}
