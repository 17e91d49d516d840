"""Rules about what failed underneath: settings of the connection, and gateways' transports.

An SDK calls whatever went wrong while it sent or read a connection error, and a gateway
passes on the words of its own runtime: here the cause decides, not the wrapper.
"""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, names, phrases
from chatdebug.errors.rules.structure import PER_MINUTE, RATE_LIMIT_WORDS

GATEWAY_STATUSES = frozenset({500, 502, 503, 504})

CAUSES: tuple[Rule, ...] = (
    # Nobody's settings of a model, and nothing that another try mends: kept as unknown.
    Rule(
        "cause.certificate",
        ErrorKind.GENERIC,
        unstructured=True,
        chain=phrases(r"""
            certificate_verify_failed
            ^(?:ssl)?cert(?:ificate)?\w*error\b
            ^\w*certificate\w*error\b
            certificate verify failed
            failed to verify certificate
            x509: certificate
            certificate signed by unknown authority
            invalid peer certificate
            self[- _]signed[- _]cert
            unable[ _]to[ _](?:get[ _](?:local[ _])?issuer|verify[ _](?:the[ _]first|leaf))
            certificate has expired\b
            (?:^|\W)cert_has_expired
            err_tls_cert_altname_invalid
            pkix path (?:building|validation) failed
            sslhandshakeexception
            certificate subject name .{1,80} does not match
            curl: ?\(60\)|curl error 60\b
            hostname mismatch|doesn't match either of
            """),
    ),
    Rule(
        "cause.tls",
        ErrorKind.GENERIC,
        unstructured=True,
        chain=phrases(r"""
            \[ssl: (?:wrong_version_number|http_request|unsupported_protocol|no_protocols_available|no_shared_cipher|\w*alert_(?:handshake_failure|protocol_version|unknown_ca|bad_certificate|certificate_\w+|unrecognized_name|access_denied|no_application_protocol)|key_values_mismatch|unknown_protocol|unexpected_message)
            wrong version number
            first record does not look like a tls handshake
            server gave http response to https client
            client sent an http request to an https server
            tls(?:v1)?(?:\.?\d)?:? (?:\w+ ){0,2}alert (?:handshake failure|protocol version|unknown ca|bad certificate|certificate \w+|unrecognized name)
            err_ssl_(?:wrong_version_number|\w*alert_(?:handshake|protocol|unknown|unrecognized)\w*|unsupported_protocol)
            received corrupt message of type invalidcontenttype
            unsupported or unrecognized ssl message
            """),
    ),
    Rule(
        "cause.header",
        ErrorKind.CONFIG,
        unstructured=True,
        chain=phrases(r"""
            ^localprotocolerror\b
            ^invalidheader\b
            illegal header (?:value|name)
            invalid (?:header field|http header|header) (?:value|name|field)
            invalid (?:return character or leading space in|leading whitespace.{0,40}) header
            invalid character in header content
            (?:^|\W)err_invalid_char\b
            newline or carriage return (?:detected|character detected) in headers
            header value must be str or bytes
            failed to parse header value
            """),
    ),
    Rule(
        "cause.address",
        ErrorKind.CONFIG,
        unstructured=True,
        chain=phrases(r"""
            ^unsupportedprotocol\b
            ^(?:missingschema|invalidschema|invalidurl|invalidproxyurl|locationparseerror|locationvalueerror|nonhttpurl\w*|invalidurlclienterror)\b
            ^idnaerror\b|^idnabidierror\b|^invalidcodepoint\b
            missing an 'https?://'
            unsupported protocol scheme
            unsupported url protocol|url scheme .{1,20} is not (?:allowed|supported)
            unknown url type
            no scheme supplied
            no connection adapters were found
            relative url without a base
            invalid (?:idna hostname|uri|url\b(?! in))
            (?:^|\W)err_invalid_url\b
            failed to parse url
            (?:label|domain)[ _](?:is )?(?:empty or )?too long
            idna' codec
            codec can't encode .{0,80} idna
            nonnumeric port|invalid port\b|port could not be cast|port out of range
            builder error.{0,20}(?:url|uri)
            """),
    ),
    Rule(
        "cause.decoding",
        ErrorKind.GENERIC,
        classes=names(
            "DecodingError ContentDecodingError DecodeError ContentEncodingError BadGzipFile"
        ),
    ),
    Rule(
        "cause.decoding_words",
        ErrorKind.GENERIC,
        chain=phrases(r"""
            can not decode content-encoding
            error -3 while decompressing
            incorrect header check
            not a gzip(?:ped)? file
            content-encoding: .{1,20}, but failed to decode
            gzip: invalid header
            """),
    ),
    Rule(
        "cause.redirects",
        ErrorKind.GENERIC,
        unstructured=True,
        chain=phrases(r"""
            ^toomanyredirects\b
            exceeded (?:maximum allowed|\d+) redirects
            too many redirects
            stopped after \d+ redirects
            max(?:imum number of)? redirects (?:exceeded|reached)
            """),
    ),
    Rule(
        "cause.proxy_refused",
        ErrorKind.GENERIC,
        unstructured=True,
        chain=phrases(r"""
            proxy authentication required
            tunnel connection failed: 4\d\d
            ^(?:proxyerror|httpproxyconnectionerror|clienthttpproxyerror): 4\d\d\b
            proxy (?:responded|refused|returned|connect)\w* .{0,40}\b40[37]\b
            """),
    ),
    Rule(
        "cause.unknown_host",
        # Not reached, but a name that does not exist does not exist in a minute either.
        ErrorKind.TIMEOUT,
        unstructured=True,
        chain=phrases(r"^gaierror: \[errno (?:-2|-5|8|11001|11004)\]"),
    ),
)

CHALLENGES: tuple[Rule, ...] = (
    # What answers with a page or a challenge is in front of the provider, and no key opens it.
    Rule(
        "challenge.proxy",
        ErrorKind.GENERIC,
        statuses=frozenset({407, 511}),
    ),
    Rule(
        "challenge.page",
        ErrorKind.GENERIC,
        statuses=frozenset({401, 403}),
        page=True,
    ),
)

TRANSPORT_WORDS = phrases(r"""
    \be(?:timedout|connreset|connrefused|connaborted|hostunreach|netunreach|ai_again|pipe|notfound)\b
    \bund_err_(?:socket|closed|destroyed|(?:connect|headers|body|response)_timeout|res_\w+)\b
    \berr_(?:stream_premature_close|http2_\w+)\b
    (?:^|: )(?:fetch failed|terminated|aborted)$
    \bfetch failed\b
    \bsocket hang up\b
    other side closed
    premature close\b
    before secure tls connection was established
    \bread (?:tcp|udp) \S+
    \bdial tcp\b
    \bi/o timeout\b
    \bno such host\b
    tls handshake timeout
    exceeded while awaiting headers
    server closed idle connection
    use of closed network connection
    network is unreachable|no route to host
    transport is closing|transport closed
    http2: (?:client conn|stream closed|server sent|timeout|transport|response body closed)
    client conn\b
    client connection (?:lost|force closed)
    \bgoaway\b
    (?:internal_error|refused_stream|cancel|enhance_your_calm|no_error); received from peer
    \brst_stream\b
    stream (?:was )?reset\b
    reset by (?:the )?(?:remote )?peer
    broken pipe
    \bunexpected (?:eof|end of (?:stream|file))\b
    (?:^|: )eof$
    error sending request for url
    connection closed before message completed
    connection error: (?:timed out|reset|closed|broken)
    error trying to connect
    tcp connect error
    error reading a body from connection
    end of file before message length
    (?:hyper|h2|reqwest)(?:::error)?\W{1,3}(?:incompletemessage|channelclosed|canceled|io|connect|timedout|body)\b
    \bchannel (?:was )?closed\b
    \b(?:prematureclose|closedchannel|channelclosed|nativeioexception|sockettimeout|connecttimeout|readtimeout|nohttpresponse|unknownhost|connectionclosed|httpconnecttimeout|stacklessclosedchannel|streamreset|connectionshutdown)(?:exception)?\b
    connection prematurely closed|prematurely closed connection
    (?:the )?response ended prematurely
    connection (?:was )?(?:forcibly )?(?:reset|refused|aborted|closed|terminated|lost|broken)\b
    failed to respond\b
    remotely closed
    read timed out|(?:connect|connection|operation|upstream|request) timed out
    upstream (?:connect error|request timeout|timed out|prematurely)
    no healthy upstream
    failed to connect to all addresses
    \bsocket closed\b
    (?:^|\b14 )unavailable:
    keepalive (?:ping )?(?:failed|timeout)
    rpc error: code = (?:unavailable|deadlineexceeded)\b
    curl(?: error|:)? ?\(?(?:6|7|28|52|55|56)\)?\b
    empty reply from server
    recv failure
    remote end closed connection
    server disconnected
    peer closed connection
    incomplete chunked read
    all connection attempts failed
    response payload is not completed
    name or service not known
    nodename nor servname provided
    temporary failure in name resolution
    failed to lookup address information
    could not resolve host
    end of file reached
    unable to read data from the transport connection
    """)
"""How runtimes name a connection that failed: Go, Rust, Node, Java, .NET, Python, C."""

GATEWAYS: tuple[Rule, ...] = (
    Rule(
        "lead.gateway_quota",
        ErrorKind.USAGE_LIMIT,
        statuses=GATEWAY_STATUSES,
        lead=phrases(r"""
            \bquota\b[^.]{0,40}\b(?:exceeded|exhausted|reached|used up|insufficient)
            (?:exceeded|insufficient|exhausted|out of|no|not enough)\b[^.]{0,30}\bquota\b
            \b(?:usage|spending|credit|monthly|daily) limit (?:has been |was |is )?(?:exceeded|reached)
            payment required
            """),
        unless_head=phrases(rf"(?:{PER_MINUTE})|(?:{RATE_LIMIT_WORDS.pattern})"),
    ),
)

PASSED_ON: tuple[Rule, ...] = (
    Rule(
        "lead.transport",
        ErrorKind.TIMEOUT,
        retryable=True,
        unstructured=True,
        lead=TRANSPORT_WORDS,
    ),
    # Some gateways pass it on as the client's fault: then only what no prompt would say.
    Rule(
        "lead.transport_as_400",
        ErrorKind.TIMEOUT,
        retryable=True,
        statuses=frozenset({400, 424, 499}),
        lead=phrases(r"""
            \be(?:connreset|connrefused|timedout|pipe|ai_again)\b
            \bund_err_(?:socket|(?:connect|headers|body)_timeout)\b
            \b(?:read|dial|write) tcp \S+
            connection reset by peer
            \bsocket hang up$
            error sending request for url
            connection closed before message completed
            \bprematurecloseexception\b
            """),
    ),
)
