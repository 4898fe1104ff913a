/**
 * One sighting, in one step that nothing comes between: records it, forgets what has left the window, decides, and notes
 * the alert. The same windows as in memory, in microseconds of the server's clock, which is held where it would go back.
 *
 * KEYS: what was seen of the group, what was alerted of it. ARGV: the type of the rule, the time after which nothing is to
 * be done (0: none), window, cooldown, threshold, and then the value, or the places in the sequence that the sighting
 * takes, the last first. Answers {0 | 1 alert | -1 too late, now, suppressed, span}.
 */
export const SIGHTING_SCRIPT = `
local kind, deadline, window, cooldown, threshold =
  ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local seen, alerted = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if deadline > 0 and now > deadline then return {-1, now} end
local function whole(number) return string.format('%.0f', number) end
local since

if kind == 'event_count' then
  now = math.max(now, tonumber(redis.call('LINDEX', seen, -1)) or 0)
  local length = redis.call('RPUSH', seen, whole(now))
  if length > threshold then redis.call('LPOP', seen) end
  if length >= threshold then since = tonumber(redis.call('LINDEX', seen, 0)) end

elseif kind == 'value_count' then
  now = math.max(now, tonumber(redis.call('ZRANGE', seen, -1, -1, 'WITHSCORES')[2]) or 0)
  redis.call('ZADD', seen, whole(now), ARGV[6])
  redis.call('ZREMRANGEBYSCORE', seen, '-inf', whole(now - window))
  redis.call('ZREMRANGEBYRANK', seen, 0, -threshold - 1)
  if redis.call('ZCARD', seen) >= threshold then
    since = tonumber(redis.call('ZRANGE', seen, 0, 0, 'WITHSCORES')[2])
  end

else
  if ARGV[#ARGV] ~= '0' and redis.call('EXISTS', seen) == 0 then return {0, now} end
  now = math.max(now, tonumber(redis.call('HGET', seen, 'last')) or 0)
  redis.call('HSET', seen, 'last', whole(now))
  for i = 6, #ARGV do
    local place = tonumber(ARGV[i])
    local began = place == 0 and whole(now) or redis.call('HGET', seen, place - 1)
    if began then redis.call('HSET', seen, place, began) end
  end
  if tonumber(ARGV[6]) == threshold - 1 then since = tonumber(redis.call('HGET', seen, threshold - 1)) end
end

-- A second more: keys expire by the millisecond, and what is outside is told by its time.
redis.call('PEXPIRE', seen, whole(window / 1000 + 1000))
if not since or now - since >= window then return {0, now} end
local last = redis.call('HMGET', alerted, 'at', 'suppressed')
local at = tonumber(last[1])
if at and at <= now and now - at < cooldown then
  redis.call('HINCRBY', alerted, 'suppressed', 1)
  return {0, now}
end
redis.call('HSET', alerted, 'at', whole(now), 'suppressed', 0)
redis.call('PEXPIRE', alerted, whole(cooldown / 1000 + 86400000))
return {1, now, tonumber(last[2]) or 0, now - since}
`;

/** What the script answers. */
export interface SightingReply {
  readonly isLate: boolean;
  readonly hasAlerted: boolean;
  /** The server's time. */
  readonly nowMicros: number;
  readonly suppressed: number;
  readonly spanMicros: number;
}

/** Throws if this is no answer of the script. */
export function readReply(reply: unknown): SightingReply {
  const [outcome, nowMicros, suppressed = 0, spanMicros = 0] = Array.isArray(reply) ? reply.map(Number) : [];
  if (outcome === undefined || !(nowMicros !== undefined && nowMicros > 0)) throw new TypeError('not an answer');
  return { isLate: outcome === -1, hasAlerted: outcome === 1, nowMicros, suppressed, spanMicros };
}
