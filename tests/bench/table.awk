# Figures (measure, server, value, errors; separated by tabs) to one markdown table.
# Exits with 1 when a load had errors: its figure then says nothing.
BEGIN {
  FS = "\t"
  rows = split("get-hot get-random list-20 sorted-20 post patch list-20-long sorted-20-long start idle loaded", order, " ")
  title["get-hot"] = "GET one record, hot, /s"
  title["get-random"] = "GET a random record, /s";       limit["get-random"] = "get-hot"
  title["list-20"] = "list 20 by index, /s"
  title["sorted-20"] = "list 20 filtered and sorted, /s"; limit["sorted-20"] = "list-20"
  title["post"] = "POST a cart item, durable, /s"
  title["patch"] = "PATCH a stock level, /s"
  title["list-20-long"] = "list 20 by index, records of 4 KB, /s"
  title["sorted-20-long"] = "list 20 filtered and sorted, records of 4 KB, /s"; limit["sorted-20-long"] = "list-20-long"
  title["start"] = "start to first answer, best of 5, ms"
  title["idle"] = "RssAnon idle, MiB"
  title["loaded"] = "RssAnon after the loads, MiB"
}
{ value[$1, $2] = $3; errors[$1, $2] = $4 }

function shown(measure, server,   text) {
  if (!((measure, server) in value)) return "–"
  text = measure ~ /^(start|idle|loaded)$/ ? value[measure, server] : grouped(value[measure, server])
  if (errors[measure, server] > 0) { failed = 1; text = text " (" errors[measure, server] " errors)" }
  return text
}
function grouped(number,   text) { # 153000 as 153,000
  number = sprintf("%d", number)
  while (length(number) > 3) { text = "," substr(number, length(number) - 2) text; number = substr(number, 1, length(number) - 3) }
  return number text
}
function ratio(measure, server, other,   whole, part) { # of Stoa's figure to the server's figure for OTHER
  if (!((measure, "stoa") in value) || value[other, server] + 0 == 0) return "–"
  part = value[measure, "stoa"] / value[other, server]
  return sprintf(part < 10 ? "%.2f" : "%.1f", part)
}

END {
  print "| | bare hyper | Stoa | Stoa : bare | PocketBase | Stoa : PocketBase |"
  print "|---|---:|---:|---:|---:|---:|"
  for (i = 1; i <= rows; i++) {
    m = order[i]; top = m in limit ? limit[m] : m
    printf "| %s | %s | %s | %s | %s | %s |\n", title[m], shown(m, "bare"), shown(m, "stoa"), ratio(m, "bare", top),
      shown(m, "pocketbase"), ratio(m, "pocketbase", m)
  }
  exit failed
}
