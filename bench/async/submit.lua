-- Submits requests of 1 KB. Arguments: milliseconds that a connection pauses between requests; 0 for none.
local pause = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"data":"' .. string.rep("p", 1000) .. '"}'

function init(args)
  pause = tonumber(args[1] or "0")
  if pause > 0 then
    -- A whole number of milliseconds on average, spread so that the connections do not march in step.
    delay = function() return math.random(0, 2 * pause) end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
