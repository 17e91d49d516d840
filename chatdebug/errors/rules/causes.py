"""Rules about what failed underneath: certificates, addresses, headers, proxies, names.

An SDK calls whatever went wrong while it sent or read a connection error: here the cause
decides, not the wrapper.
"""

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, class_names, phrases

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
        classes=class_names(
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
