"""Words and codes that more than one group of rules looks for."""

from chatdebug.errors.rules.base import code_words, phrases

RATE_LIMIT_WORDS = phrases(r"rate limit exceeded")

PER_MINUTE = r"per[-_ ]?min(?:ute)?\b|please retry in \d"

PER_DAY = phrases(r"""
    per[-_ ]?(?:day|month|week)\b
    perday
    \b(?:daily|monthly|weekly) (?:\w+ )?(?:limit|quota|budget)
    \b(?:rpd|tpd)\b
    / ?(?:day|week|month)\b
    """)

NO_CAPACITY = phrases(r"""
    no capacity
    no slots? available
    no available workers
    \bmodel (?:is )?(?:too )?busy\b
    out of capacity
    too many connections
    负载已饱和
    (?:\b(?:is|are|was|been|currently|temporarily|server|model|engine|service)|exception -|^|[\]\d>]) ?overloaded\b
    \boverloaded(?:_error|\.|$)
    (?:at|over)(?: full)? capacity
    capacity (?:is )?exceeded
    insufficient capacity
    experiencing (?:high|heavy) (?:demand|load|traffic)
    high demand
    engine is (?:currently )?(?:busy|overloaded)
    \b(?:server|service) (?:is )?(?:too )?busy\b
    """)

CONFIG_WORDS = phrases(r"""
    invalid model
    model[ _]not[ _]found
    unsupported model
    context[ _]length[ _]exceeded
    context_exceeded
    maximum context length
    malformed config
    resolve aws credentials
    """)
"""What is named so is a matter of settings whatever the status."""

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

RATE_CODES = code_words(
    """
    rate_limit_exceeded rate_limit_error rate_limited rate_limit ratelimitexceeded
    too_many_requests TooManyRequestsException ThrottlingException Throttling throttled
    RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED rate_limit_reached_error
    ratelimitreached slow_down too_many_requests_error rate_limit_usage_exceeded
    concurrency_limit_exceeded RequestLimitExceeded
    """
)

SERVER_CODES = code_words(
    """
    server_error internal_server_error internal_error api_error INTERNAL
    InternalServerException InternalFailure ModelErrorException
    ModelStreamErrorException
    """
)
