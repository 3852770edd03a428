#!/usr/bin/env bash
# Makes the certificates by which silos know each other: deploy/dev-ca.sh DIR NAME…
# DIR gets an authority (ca.pem, ca.key) unless it has one, and NAME.pem and NAME.key for each name. A silo is started with
#   --tls-certificate DIR/NAME.pem --tls-key DIR/NAME.key --tls-authority DIR/ca.pem
# Keep ca.key away from machines that serve: who has it can make silos. For development and small clusters; a fleet's own authority
# does as well, if its certificates are for the name llava-silo, as server and as client.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: deploy/dev-ca.sh DIR NAME…" >&2; exit 2; }
dir=$1; shift
mkdir -p "$dir"
umask 077

if [ ! -e "$dir/ca.key" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout "$dir/ca.key" -out "$dir/ca.pem" \
        -subj "/CN=LlavaCluster development authority" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi

for name in "$@"; do
    [ ! -e "$dir/$name.pem" ] || { echo "$dir/$name.pem is there already; remove it to have another." >&2; exit 1; }
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$name.key" -subj "/CN=$name" 2>/dev/null |
        openssl x509 -req -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 825 -out "$dir/$name.pem" -extfile <(
            echo "subjectAltName=DNS:llava-silo"
            echo "basicConstraints=critical,CA:FALSE"
            echo "keyUsage=critical,digitalSignature"
            echo "extendedKeyUsage=serverAuth,clientAuth"
        ) 2>/dev/null
    echo "$dir/$name.pem"
done
