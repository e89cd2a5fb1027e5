// SPDX-License-Identifier: Apache-2.0
/* A self-signed certificate, with libcrypto. */
#include "tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/reference.h"

#define VALID_SECONDS (365L * 24 * 3600)
/* Clocks of clients that are late. */
#define BACKDATED 3600L

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* What goes into an extension's text must not bring its own commas. */
static bool is_host_name(const char *s)
{
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] == '\0';
}

static char *alternative_names(const char *address)
{
    char name[256] = "";

    (void)gethostname(name, sizeof(name) - 1);
    return str_printf("DNS:localhost,IP:127.0.0.1,IP:::1%s%s%s%s", is_host_name(name) ? ",DNS:" : "",
                      is_host_name(name) ? name : "", *address ? ",IP:" : "", address);
}

static bool fill(X509 *x, EVP_PKEY *key, const char *address)
{
    _cleanup_free_ char *names = alternative_names(address);
    unsigned char serial[16];
    BIGNUM *number;
    bool good;

    if (RAND_bytes(serial, sizeof(serial)) != 1)
        return false;
    serial[0] &= 0x7f;
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    return good && X509_set_version(x, X509_VERSION_3) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(x), -BACKDATED) &&
           X509_gmtime_adj(X509_getm_notAfter(x), VALID_SECONDS) && X509_set_pubkey(x, key) == 1 &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                      (const unsigned char *)"lichen-registry", -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
           /* It is its own authority: clients are given this file to trust. */
           add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(x, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
           add_extension(x, NID_ext_key_usage, "serverAuth") &&
           add_extension(x, NID_subject_key_identifier, "hash") &&
           add_extension(x, NID_subject_alt_name, names) && X509_sign(x, key, EVP_sha256()) > 0;
}

static bool take_text(BIO *bio, struct buf *ret)
{
    char *text;
    long n = BIO_get_mem_data(bio, &text);

    if (n <= 0)
        return false;
    buf_append(ret, text, (size_t)n);
    return true;
}

int tls_make_certificate(const char *address, struct buf *cert, struct buf *key, struct err *e)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
    bool good = pkey && x && cert_bio && key_bio && fill(x, pkey, address) &&
                PEM_write_bio_X509(cert_bio, x) == 1 &&
                PEM_write_bio_PrivateKey(key_bio, pkey, NULL, NULL, 0, NULL, NULL) == 1 &&
                take_text(cert_bio, cert) && take_text(key_bio, key);

    BIO_free(cert_bio);
    BIO_free(key_bio);
    X509_free(x);
    EVP_PKEY_free(pkey);
    return good ? 0 : err_set(e, EIO, "cannot make a certificate");
}
