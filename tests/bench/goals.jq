# What was measured, held against the goals of goals.json, and the rows of goals.sh's table. Included by
# compare_etcd.sh and goals.sh.

def median: sort | if length == 0 then null
  elif length % 2 == 1 then .[length / 2 | floor]
  else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# Whether a run of grass-bench may count, by either store: not if an operation failed, or found no key, or
# if the machine had other load, or nobody knows, unless $keep.
def counts($keep): .failed == 0 and .missing == 0 and ($keep != "" or .disturbed == false);

# Of an array of numbers.
def spread: map(select(. != null)) | { median: median, min: min, max: max };

def ratio($a; $b): if $a == null or $b == null or $b == 0 then null else $a / $b end;

# What each kind of goal for a case of compare_etcd.sh is about: `key` of a store, in the goal's unit
# times `per`; `relative`: of its ratio to etcd's; `least`: reached from above.
def quantities: {
  ratio: { name: "ops/s", key: "ops_per_second", per: 1, digits: 0, relative: true, least: true },
  ops: { name: "ops/s", key: "ops_per_second", per: 1, digits: 0, relative: false, least: true },
  p50_ms: { name: "p50 ms", key: "p50_us", per: 1000, digits: 2, relative: false, least: false },
  p99_ms: { name: "p99 ms", key: "p99_us", per: 1000, digits: 2, relative: false, least: false },
  p99_ratio: { name: "p99 ms", key: "p99_us", per: 1000, digits: 2, relative: true, least: false },
  servers_cpu_us: { name: "servers\u0027 CPU us/op", key: "servers_cpu_us_per_op", per: 1, digits: 0,
    relative: false, least: false }
};

# What is wrong with a file of goals, in one line; nothing if it is right.
def goals_problem:
  def problems($of; $known):
    if type != "object" then "\($of): expected an object with goals"
    else to_entries[] | . as $goal
      | if any($known[]; . == $goal.key) | not then
          "\($of): unknown goal \($goal.key | tojson): expected \($known | join(", "))"
        elif ($goal.value | type) != "number" or $goal.value <= 0 then
          "\($of): \($goal.key) \($goal.value | tojson): expected a number above 0"
        else empty end end;
  def case_problems($nodes):
    if type != "object" then "\($nodes): expected an object with cases"
    else to_entries[] | .key as $case | .value
      | if $case | test("^(put|get|get-stale|mixed|txn|stream):[1-9][0-9]{0,4}$") then
          problems("\($nodes) \($case)"; quantities | keys_unsorted)
        else "\($nodes): unknown case \($case | tojson): expected WORKLOAD:CLIENTS" end end;
  if type != "object" then "expected JSON with goals"
  else first(to_entries[] | .key as $key | .value
    | if $key == "1" or $key == "3" then case_problems($key)
      elif $key == "restart" then problems($key; ["bytes_a_key_when_written", "bytes_a_key", "ready_ms"])
      elif $key == "failover" then problems($key; ["median_ms"])
      elif $key == "replication" then problems($key; ["replication/raft/64", "replication/nodes/64"])
      else "unknown part \($key | tojson): expected 3, 1, restart, failover, replication" end) end;

def is_reached($is; $goal; $least): $is != null and (if $least then $is >= $goal else $is <= $goal end);

# A row of the table: $goal is a number or null, $grassdb and $etcd are spreads or null.
def row($part; $of; $what; $quantity; $goal; $grassdb; $etcd):
  ratio($grassdb.median; $etcd.median) as $ratio
  | (if $quantity.relative then $ratio else $grassdb.median end) as $is
  | { part: $part, of: $of, what: $what, quantity: $quantity.name, digits: $quantity.digits,
      goal: $goal, relative: $quantity.relative, least: $quantity.least, grassdb: $grassdb,
      etcd: $etcd, ratio: $ratio, is: $is,
      reached: (if $goal == null or $is == null then null
        else is_reached($is; $goal; $quantity.least) end) };

# The rows of a case of compare_etcd.sh; $goals is what goals.json has for it. A case that was not
# measured is null.
def case_rows($part; $what; $goals):
  . as $case
  | def scaled($store; $quantity): $case[$store].spread[$quantity.key]
      | if . == null or .median == null then null else map_values(. / $quantity.per) end;
  $goals + (if $goals | has("ratio") then {} else { ratio: null } end) | to_entries[]
  | quantities[.key] as $quantity
  | row($part; .key; $what; $quantity; .value; scaled("grassdb"; $quantity); scaled("etcd"; $quantity));

# "put:1" for a person.
def case_name: split(":") | "\(.[0]), \(.[1]) \(if .[1] == "1" then "client" else "clients" end)\(
  if .[0] == "stream" then " (etcd: put, 256)" else "" end)";

# Where the instructions of a case go. Of a stream, as many puts under way as callgrind is fast enough for.
def profile_command($part): split(":") | .[0] as $workload | (.[1] | tonumber) as $clients
  | "bash tests/bench/put_profile.sh \(if $part == "single-node" then "--nodes 1 " else "" end)--workload \($workload) --clients \(
      if $workload == "stream" then [$clients, 256] | min else $clients end)";

def compared_rows($part; $goals; $prefix):
  . as $result
  | ($goals | keys_unsorted) as $named
  | $named + [$result.cases // [] | .[].case | select(. as $case | $named | index([$case]) | not)] | .[]
  | . as $case
  | [$result.cases // [] | .[] | select(.case == $case)] | first
  | case_rows($part; $prefix + ($case | case_name); $goals[$case] // {})
  + { profile: ($case | profile_command($part)) };

def restart_rows($goals):
  . as $result
  | (if $result == null then "a million keys" else "\($result.keys) keys of \($result.value_size) bytes" end) as $keys
  | ({ of: "bytes_a_key_when_written", what: "memory when written, \($keys)", name: "bytes a key" },
     { of: "bytes_a_key", what: "memory after a restart, \($keys)", name: "bytes a key" },
     { of: "ready_ms", what: "restart, \($keys)", name: "ms to the first answer" }) as $each
  # What it takes when written is measured once, the others at each restart.
  | def of_store($store): if $result[$store] == null then null
      elif $each.of == "bytes_a_key_when_written" then [$result[$store][$each.of]] | spread
      else $result[$store].restarts | map(.[$each.of]) | spread end;
  row("restart"; $each.of; $each.what; { name: $each.name, digits: 0, relative: false, least: false };
    $goals[$each.of]; of_store("grassdb"); of_store("etcd"));

def failover_rows($goals):
  . as $result
  | row("failover"; "median_ms"; "kill -9 of the leader to the next put";
      { name: "ms", digits: 0, relative: false, least: false }; $goals.median_ms;
      (if $result == null then null else $result.rounds | map(.failover_ms) | spread end); null);

# Of what grass-bench micro has written, run by run.
def replication_rows($goals):
  . as $result
  | ({ name: "replication/raft/64", what: "three Rafts in memory on one core, window 64", unit: "entries/s" },
     { name: "replication/nodes/64", what: "three whole nodes in memory on one core, window 64",
       unit: "puts/s" }) as $each
  | row("replication"; $each.name; $each.what;
      { name: $each.unit, digits: 0, relative: false, least: true }; $goals[$each.name];
      (if $result == null then null else [$result.runs[].benchmarks[] | select(.name == $each.name)
        | .items_per_second] | spread end); null);

# Of { goals, parts: { NAME: { result } } }.
def rows: .goals as $goals | .parts as $parts
  | [ ($parts["three-nodes"].result | compared_rows("three-nodes"; $goals["3"] // {}; "")),
      ($parts["single-node"].result | compared_rows("single-node"; $goals["1"] // {}; "single node: ")),
      ($parts.restart.result | restart_rows($goals.restart // {})),
      ($parts.failover.result | failover_rows($goals.failover // {})),
      ($parts.replication.result | replication_rows($goals.replication // {})) ];

def rounded($digits): if . == null then "-"
  else (. * pow(10; $digits) | round) / pow(10; $digits) | tostring end;

def with_spread($digits): if . == null or .median == null then "-"
  elif .min == .max then .median | rounded($digits)
  else "\(.median | rounded($digits)) (\(.min | rounded($digits)) to \(.max | rounded($digits)))" end;

def goal_text: if .goal == null then "-"
  else "\(if .least then "at least" else "at most" end) \(.goal)\(if .relative then "x" else "" end)" end;

def reached_text: if .grassdb == null then "not measured" elif .reached == null then "-"
  elif .reached then "yes" else "no" end;

# With ; between the cells.
def table_lines: "what;measured;goal;grassdb;etcd;ratio;reached",
  (.[] | . as $row | [ .what, .quantity, goal_text, (.grassdb | with_spread($row.digits)),
    (.etcd | with_spread($row.digits)), (.ratio | rounded(2)), reached_text ] | join(";"));

def missed_lines: .[] | select(.reached == false)
  | "not reached: \(.what): \(.quantity) \(.is | rounded(2))\(if .relative then "x of etcd\u0027s" else "" end) instead of \(
      goal_text)\(if .profile then "; where it goes: \(.profile)" else "" end)";

# Of the result of goals.sh: the cases of a part of which too few were done a second beside etcd's.
def missed_cases($part): .parts[$part].result.cases[]
  | select(any(.goals[]; .of == "ratio" and .reached == false));

# net/README.md's table, of what goals.sh and budget.sh have measured, in microseconds of all cores an operation. What
# it takes is of the run of goals.sh, as what the goal needs; the parts are of budget.sh's own, and add up to its own.
def budget_lines($part; $goals):
  def us: . as $us | if $us == null then "-" else ($us * 10 | round) as $tenths
    | "\($tenths / 10 | floor).\($tenths % 10)" end;
  . as $budget | def parts($case): [$budget.cases[] | select(.case == $case) | .us] | first;
  "case;the goal needs;it takes;in the run of the parts;the client;leader;its disk;followers;their disks;idle;rest;a stale read takes",
  ($goals | missed_cases($part) | (.goals | map(select(.of == "ratio")) | first.goal) as $ratio
    | ($budget.cores * 1e6) as $time | parts(.case) as $us
    | [ "\(if $part == "single-node" then "single node: " else "" end)\(.case | case_name | sub(" \\(etcd.*"; ""))",
        ($time / ($ratio * .etcd.ops_per_second), $time / .grassdb.ops_per_second | us),
        ($us | .all, .client, .leader, .leader_disk, .followers, .followers_disk, .idle, .rest | us),
        (if .workload == "stream" then null else parts("get-stale:\(.clients)").all end | us) ] | join(";"));
