# Asks pyspf what lines of JSON on stdin are about, with the name server of argv[1].
import json
import sys

import dns.name
import dns.resolver
import spf

resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["127.0.0.1"]
resolver.port = int(sys.argv[1])
resolver.domain = dns.name.root
resolver.search = []
dns.resolver.default_resolver = resolver
assert spf.DNSLookup is spf.DNSLookup_dnspython

for line in sys.stdin:
    s = json.loads(line)
    exp = ""
    try:
        q = spf.query(i=s["ip"], s=s["sender"], h=s["helo"], receiver=s["receiver"], querytime=300)
        q.set_default_explanation("DEFAULT")
        result, _, reason = q.check()
        if result == "fail":
            exp, reason = reason, ""
    except Exception as x:
        result, reason = "exception", type(x).__name__ + ": " + str(x)
    out = {"result": result, "reason": str(reason), "explanation": exp}
    print(json.dumps(out), flush=True)
