# Figures (measure, server, value, errors; separated by tabs) to one markdown table. Several of one measure and server are
# shown as their mean. Exits with 1 when a load had errors: its figure then says nothing.
BEGIN {
  FS = "\t"
  row("get-hot", "GET one record, hot, /s", "bare", 0.75)
  row("get-random", "GET a random record, /s", "bare", 0.65)
  row("list-20", "list 20 by index, /s", "bare", 0.5)
  row("sorted-20", "list 20 filtered and sorted, /s", "bare", 0.5)
  row("list-20-uncached", "list 20 by index, uncached, /s", "peer", 10)
  row("sorted-20-uncached", "list 20 filtered and sorted, uncached, /s", "peer", 10)
  row("post", "POST a cart item, durable, /s", "peer", 3)
  row("patch", "PATCH a stock level, /s", "peer", 3)
  row("list-20-long", "list 20 by index, records of 4 KB, /s", "bare", 0.5)
  row("sorted-20-long", "list 20 filtered and sorted, records of 4 KB, /s", "bare", 0.5)
  row("list-20-long-uncached", "list 20 by index, records of 4 KB, uncached, /s")
  row("sorted-20-long-uncached", "list 20 filtered and sorted, records of 4 KB, uncached, /s")
  row("zipf-price", "visitors while prices change, /s")
  row("zipf-price-p99", "visitors while prices change: p99, ms")
  row("zipf-price-hits", "visitors while prices change: share from the cache", "least", 0.9)
  row("zipf-stock", "visitors while stock levels change, /s")
  row("zipf-stock-p99", "visitors while stock levels change: p99, ms")
  row("zipf-stock-hits", "visitors while stock levels change: share from the cache", "least", 0.9)
  row("open-p50", "500 reads/s: p50, ms")
  row("open-p99", "500 reads/s: p99, ms")
  row("open-max", "500 reads/s: longest, ms")
  row("beside-p50", "500 reads/s beside scans and 50 rows/s: p50, ms")
  row("beside-p99", "500 reads/s beside scans and 50 rows/s: p99, ms", "most", 5)
  row("beside-max", "500 reads/s beside scans and 50 rows/s: longest, ms")
  row("beside-scan", "one of those scans, mean, ms")
  row("beside-rows", "rows written beside them, /s")
  row("start", "start to first answer, best of 5, ms", "most", 30)
  row("idle", "RssAnon idle, MB", "most", 25)
  row("loaded", "RssAnon after the loads, MB", "most", 80)
  row("visited", "RssAnon after the visitors, MB", "most", 80)
  row("binary", "binary, MB", "most", 25)
  other["list-20-uncached"] = "list-20"
  other["sorted-20-uncached"] = "sorted-20"
  other["list-20-long-uncached"] = "list-20-long"
  other["sorted-20-long-uncached"] = "sorted-20-long"
}
{ sum[$1, $2] += $3; count[$1, $2]++; errors[$1, $2] += $4 }

# LIMIT says what Stoa's figure is to be: a part of bare hyper's at least, a multiple of the peer's, a number at least or most.
function row(measure, text, limit, bound) {
  order[++rows] = measure; title[measure] = text; limits[measure] = limit; bounds[measure] = bound
}
function value(measure, server) { return sum[measure, server] / count[measure, server] }
function shown(measure, server,   text) {
  if (!((measure, server) in count)) return "–"
  text = title[measure] ~ /\/s$/ ? grouped(value(measure, server)) : decimal(value(measure, server))
  if (errors[measure, server] > 0) { failed = 1; text = text " (" errors[measure, server] " errors)" }
  return text
}
function grouped(number,   text) { # 153000 as 153,000
  number = sprintf("%.0f", number)
  while (length(number) > 3) { text = "," substr(number, length(number) - 2) text; number = substr(number, 1, length(number) - 3) }
  return number text
}
function decimal(number) { return sprintf(number < 10 ? "%.2f" : "%.1f", number) }
# The part of Stoa's figure to the server's; what one server does not tell apart is compared with its only figure.
function part(measure, server,   same) {
  same = measure in other ? other[measure] : measure
  if (!((measure, "stoa") in count) || !((same, server) in count) || value(same, server) == 0) return ""
  return value(measure, "stoa") / value(same, server)
}
function ratio(measure, server,   is) { is = part(measure, server); return is == "" ? "–" : decimal(is) }
function verdict(measure,   limit, bound, is, met) {
  limit = limits[measure]; bound = bounds[measure]
  if (limit == "") return ""
  if (limit == "bare" || limit == "peer") is = part(measure, limit == "bare" ? "bare" : "pocketbase")
  else is = (measure, "stoa") in count ? value(measure, "stoa") : ""
  met = is == "" || errors[measure, "stoa"] > 0 ? "" : (limit == "most" ? is <= bound : is >= bound) ? ", met" : ", missed"
  return (limit == "most" ? "≤ " : "≥ ") bound (limit == "bare" ? " of bare" : limit == "peer" ? " × PocketBase" : "") met
}

END {
  print "| | bare hyper | Stoa | Stoa : bare | PocketBase | Stoa : PocketBase | limit |"
  print "|---|---:|---:|---:|---:|---:|---|"
  for (i = 1; i <= rows; i++) {
    m = order[i]
    printf "| %s | %s | %s | %s | %s | %s | %s |\n", title[m], shown(m, "bare"), shown(m, "stoa"), ratio(m, "bare"),
      shown(m, "pocketbase"), ratio(m, "pocketbase"), verdict(m)
  }
  exit failed
}
