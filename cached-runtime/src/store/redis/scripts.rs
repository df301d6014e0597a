//! All the Lua there is. None is on the hit path, but for servers before Redis 7.0. Those of queues touch several keys, and
//! so are for one server; each of the others touches one, or does the same to each.
//!
//! `\197D` and `\197G` are the beginnings of a queued value: what is on its way to the database stays until it is there,
//! whoever deletes or overwrites it. It then goes with the flush.

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
    pub(crate) evict: Script,
    pub(crate) write_begin: Script,
    pub(crate) put: Script,
    pub(crate) accept: Script,
    pub(crate) read: Script,
    pub(crate) done: Script,
    pub(crate) overtake: Script,
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
local kind = redis.pcall('GETRANGE', KEYS[1], 0, 1)
if kind == '\\197D' then redis.call('SETRANGE', KEYS[1], 1, 'G')
elseif kind ~= '\\197G' then redis.call('DEL', KEYS[1]) end
return 0";

/// Deletes keys. One that is queued for the database stays until it is there: whoever found nothing would load, and store,
/// the row that it is about to replace.
pub(crate) const EVICT: &str = "\
for i = 1, #KEYS do
  local kind = redis.pcall('GETRANGE', KEYS[i], 0, 1)
  if kind == '\\197D' then redis.call('SETRANGE', KEYS[i], 1, 'G')
  elseif kind ~= '\\197G' then redis.call('DEL', KEYS[i]) end
end
return 1";

/// A write marker over whatever the keys hold, but for what is queued.
const WRITE_BEGIN: &str = "\
for i = 1, #KEYS do
  local kind = redis.pcall('GETRANGE', KEYS[i], 0, 1)
  if kind == '\\197D' then redis.call('SETRANGE', KEYS[i], 1, 'G')
  elseif kind ~= '\\197G' then redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2]) end
end
return 1";

/// A value over whatever the key holds, but for what is queued.
const PUT: &str = "\
local kind = redis.pcall('GETRANGE', KEYS[1], 0, 1)
if kind == '\\197D' then redis.call('SETRANGE', KEYS[1], 1, 'G')
elseif kind == '\\197G' then return 0
elseif ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1";

/// The values of one call into the cache and into the queue, or a marker over all of their keys, or nothing. All is
/// decided before anything is written: a call is queued whole or not at all. The new write is there before the one goes
/// whose place it takes: out of memory, the first command that writes is refused, and nothing has been done; a key that is
/// queued waits for its flush then, which needs no memory.
///
/// A call that is sent twice, since its first answer did not arrive, is queued once: each process has a bit for each of its
/// calls, for a while.
///
/// KEYS: streams, pending, the call's name where it is late, the process's calls, entries. ARGV: number of streams, most,
/// replaces, marks, marker, its life, the call's bit, how long bits live, then for each entry the number of its stream and
/// its bytes.
const ACCEPT: &str = "\
local shards, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local pending = KEYS[shards + 1]
local first = shards + 2
local calls = KEYS[first + 1]
local writes = #KEYS - first - 1
if redis.call('EXISTS', KEYS[first]) == 1 then return {'late', 0} end
local length = 0
if redis.call('GETBIT', calls, ARGV[7]) == 1 then return {'again', 0} end
for shard = 1, shards do length = length + redis.call('XLEN', KEYS[shard]) end
local full = length >= most
local queued, any, direct = {}, false, false
for i = 1, writes do
  local key = KEYS[first + 1 + i]
  queued[i] = redis.call('HGET', pending, key)
  if queued[i] then any = true
  elseif redis.pcall('GETRANGE', key, 0, 1) == '\\197W' then direct = true end
  if ARGV[8 + 2 * i] == '' then direct = true end
end
if any and direct then return {'later', length} end
if full and not any and not direct and ARGV[4] == '0' then return {'full', length} end
if direct or (full and not any) then
  for i = 1, writes do redis.call('SET', KEYS[first + 1 + i], ARGV[5], 'PX', ARGV[6]) end
  return {'marked', length}
end
local bit = redis.pcall('SETBIT', calls, ARGV[7], 1)
if type(bit) == 'table' then return any and {'later', length} or bit end
redis.call('PEXPIRE', calls, ARGV[8])
local last
for i = 1, writes do
  local key, stream, entry = KEYS[first + 1 + i], KEYS[tonumber(ARGV[7 + 2 * i])], ARGV[8 + 2 * i]
  last = redis.call('XADD', stream, '*', 'k', key, 'e', entry)
  if full and ARGV[3] == '1' and queued[i] then length = length - redis.call('XDEL', stream, queued[i]) end
  redis.call('HSET', pending, key, last)
  redis.call('SET', key, entry)
end
return {last, length + writes}";

/// What a shard holds from an id on, for whoever has its lease. A few at a time: a large value is not to bring hundreds of
/// others like it along.
///
/// KEYS: stream, lease, void. ARGV: lease, from, count, bytes.
const READ: &str = "\
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return false end
local function after(id, upto)
  local ms, n = string.match(id, '(%d+)-(%d+)')
  local most, last = string.match(upto, '(%d+)-(%d+)')
  if ms ~= most then return tonumber(ms) > tonumber(most) end
  return tonumber(n) > tonumber(last)
end
local voids = redis.call('EXISTS', KEYS[3]) == 1
local from, left, bytes, records = ARGV[2], tonumber(ARGV[3]), 0, {}
while left > 0 do
  local some = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', math.min(left, 50))
  for _, record in ipairs(some) do
    local key, entry = record[2][2], record[2][4]
    bytes = bytes + #entry
    if bytes > tonumber(ARGV[4]) and #records > 0 then return records end
    local upto = voids and redis.call('HGET', KEYS[3], key)
    local void = upto and not after(record[1], upto)
    records[#records + 1] = {record[1], key, entry, void and 1 or 0}
    from = '(' .. record[1]
  end
  if #some == 0 then break end
  left = left - #some
end
return records";

/// The end of a batch, told by whoever has the lease: what a worker says that lost it would be about somebody else's batch.
/// A key that was invalidated meanwhile, or lost, is deleted: what was loaded since may be from before the write.
///
/// KEYS: stream, lease, pending, void, dead, then flushed and dead keys. ARGV: lease, number of ids, ids; number of flushed
/// keys, and of each id, fill and life; of each dead write id, fill, reason, entry, and the id and entry of the one before
/// it that takes its place, if there is one.
const DONE: &str = "\
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local at = 2
local function take() at = at + 1; return ARGV[at - 1] end
local function settle(key, id)
  if redis.call('HGET', KEYS[3], key) ~= id then return end
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[4], key)
end
local ids = tonumber(take())
for _ = 1, ids do redis.call('XDEL', KEYS[1], take()) end
local flushed = tonumber(take())
for i = 1, flushed do
  local key, id, fill, px = KEYS[5 + i], take(), take(), take()
  settle(key, id)
  local held = redis.pcall('GETRANGE', key, 0, 9)
  if type(held) ~= 'string' then held = '' end
  local kind = string.sub(held, 1, 2)
  local queued = kind == '\\197D' or kind == '\\197G'
  local mine = queued and string.sub(held, 3) == fill
  if mine and kind == '\\197D' then
    local turned = redis.pcall('SETRANGE', key, 1, 'V')
    if type(turned) == 'table' then redis.call('DEL', key)
    elseif px ~= '0' then redis.call('PEXPIRE', key, px) end
  elseif mine or not queued then redis.call('DEL', key) end
end
for i = 5 + flushed + 1, #KEYS do
  local key, id, fill, reason, entry, earlier, instead = KEYS[i], take(), take(), take(), take(), take(), take()
  redis.call('XADD', KEYS[5], '*', 'key', key, 'id', id, 'reason', reason, 'entry', entry)
  if earlier == '' then settle(key, id)
  elseif redis.call('HGET', KEYS[3], key) == id then redis.call('HSET', KEYS[3], key, earlier) end
  local held = redis.pcall('GETRANGE', key, 0, 9)
  if held == '\\197D' .. fill or held == '\\197G' .. fill then
    if earlier == '' then redis.call('DEL', key) else redis.call('SET', key, instead) end
  end
end
return 1";

/// What is queued of a key is older than the database, which was written past it while the server was away. By the
/// server's own clock, since it is the one that ids are made of. A call of which nobody knows whether it was queued is
/// older too, if it is the last one; and if it is still to come it comes to nothing.
///
/// The first command that writes needs no memory: a server that is out of it refuses no later one of the same script.
///
/// KEYS: pending, void, entry, the names of late calls. ARGV: the last id that is older for sure or nothing, milliseconds
/// ago, how long late calls are known, the fills of unknown calls.
pub(crate) const OVERTAKE: &str = "\
local function parts(id) local ms, n = string.match(id, '(%d+)-(%d+)'); return tonumber(ms), tonumber(n) end
redis.call('HDEL', KEYS[2], '')
local now = redis.call('TIME')
local ms, n = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[2]), 0
for i = 4, #KEYS do redis.call('SET', KEYS[i], '', 'PX', ARGV[3]) end
local last = redis.call('HGET', KEYS[1], KEYS[3])
if last then
  local queued, place = parts(last)
  for _, known in ipairs({ARGV[1], redis.call('HGET', KEYS[2], KEYS[3]) or ''}) do
    local later, number = parts(known)
    if later and (later > ms or (later == ms and number > n)) then ms, n = later, number end
  end
  local held = redis.pcall('GETRANGE', KEYS[3], 0, 9)
  for i = 4, #ARGV do
    if held == '\\197D' .. ARGV[i] or held == '\\197G' .. ARGV[i] then ms, n = queued, place end
  end
  redis.call('HSET', KEYS[2], KEYS[3], string.format('%.0f-%.0f', ms, n))
  if queued > ms or (queued == ms and place > n) then return 0 end
end
redis.call('DEL', KEYS[3])
return 1";

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

/// In the order in which they are loaded on connect. Not those of queues: most caches have none, and the server learns them
/// with their first use.
pub(crate) const ALL: [&str; 10] =
    [FILL, RELEASE, RENEW, TAKEOVER, TAKEOVER_FOREIGN, REFILL, WRITE_END, EVICT, WRITE_BEGIN, PUT];
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
            evict: Script::new(EVICT),
            write_begin: Script::new(WRITE_BEGIN),
            put: Script::new(PUT),
            accept: Script::new(ACCEPT),
            read: Script::new(READ),
            done: Script::new(DONE),
            overtake: Script::new(OVERTAKE),
        }
    }
}
