/*
 * A PKCS#11 library that passes everything on to the one of SHIM_LIBRARY, writes the names
 * of the calls that matter to the file SHIM_LOG, and misbehaves as the file SHIM_RULES says.
 * It is read at every call, so that a test can change it while the library is in use. Each
 * line is a function, an action, and numbers:
 *
 *   C_Sign fail 0x30           return that value without doing anything
 *   C_Sign after 0x30          do it, then return that value
 *   C_Sign hang                never return
 *   C_Sign crash               SIGSEGV
 *   C_GenerateKeyPair attribute 0x171    refuse templates with this attribute
 *   C_GetTokenInfo flags 0x40000         set these flags of the token
 *   C_Login pad 123456         a login without a PIN asks on a PIN pad, where this is typed
 *   C_Sign length 0x10000      claim so many bytes (C_GetAttributeValue, C_GetSlotList: items)
 *   C_OpenSession protected              refuse sessions for writing
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CK_PTR *
#define CK_DECLARE_FUNCTION(type, name) type name
#define CK_DECLARE_FUNCTION_POINTER(type, name) type(*name)
#define CK_CALLBACK_FUNCTION(type, name) type(*name)
#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#include "pkcs11.h"

static CK_FUNCTION_LIST list, *real;

static void note(const char *name) {
	const char *path = getenv("SHIM_LOG");
	char line[64];
	int fd, n = snprintf(line, sizeof line, "%s\n", name);
	if (path && (fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600)) >= 0) {
		if (write(fd, line, n) != n)
			abort();
		close(fd);
	}
}

/* rule finds the rule for a function; 1 if there is one */
static int rule(const char *name, const char *wanted, unsigned long *number) {
	const char *path = getenv("SHIM_RULES");
	FILE *f = path ? fopen(path, "re") : NULL;
	char line[128], function[64], action[32];
	int found = 0;
	while (f && !found && fgets(line, sizeof line, f)) {
		*number = 0;
		if (sscanf(line, "%63s %31s %li", function, action, (long *)number) >= 2)
			found = !strcmp(function, name) && !strcmp(action, wanted);
	}
	if (f)
		fclose(f);
	return found;
}

/* before returns whether the call shall fail, and with what */
static int before(const char *name, CK_RV *rv) {
	unsigned long n;
	note(name);
	if (rule(name, "crash", &n))
		raise(SIGSEGV);
	while (rule(name, "hang", &n))
		sleep(3600);
	if (!rule(name, "fail", &n))
		return 0;
	*rv = n;
	return 1;
}

static CK_RV after(const char *name, CK_RV rv) {
	unsigned long n;
	return rv == CKR_OK && rule(name, "after", &n) ? n : rv;
}

static int refuses(const char *name, CK_ATTRIBUTE_PTR t, CK_ULONG n) {
	const char *path = getenv("SHIM_RULES");
	FILE *f = path ? fopen(path, "re") : NULL;
	char line[128], function[64], action[32];
	unsigned long type;
	int found = 0;
	while (f && !found && fgets(line, sizeof line, f))
		if (sscanf(line, "%63s %31s %li", function, action, (long *)&type) == 3 && !strcmp(function, name) && !strcmp(action, "attribute"))
			for (CK_ULONG i = 0; i < n; i++)
				found |= t[i].type == type;
	if (f)
		fclose(f);
	return found;
}

#define PASS(name, params, args)                    \
	CK_RV name params {                  \
		CK_RV rv;                           \
		if (before(#name, &rv))             \
			return rv;                  \
		return after(#name, real->name args); \
	}

PASS(C_Initialize, (CK_VOID_PTR a), (a))
PASS(C_GetSlotInfo, (CK_SLOT_ID s, CK_SLOT_INFO_PTR i), (s, i))
PASS(C_FindObjectsInit, (CK_SESSION_HANDLE h, CK_ATTRIBUTE_PTR t, CK_ULONG n), (h, t, n))
PASS(C_SignInit, (CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k), (h, m, k))
PASS(C_DecryptInit, (CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k), (h, m, k))
PASS(C_DeriveKey, (CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR o), (h, m, k, t, n, o))
PASS(C_GenerateRandom, (CK_SESSION_HANDLE h, CK_BYTE_PTR d, CK_ULONG n), (h, d, n))

CK_RV C_Login(CK_SESSION_HANDLE h, CK_USER_TYPE u, CK_UTF8CHAR_PTR p, CK_ULONG n) {
	CK_RV rv;
	unsigned long typed;
	char pin[32];
	if (before("C_Login", &rv))
		return rv;
	if (!p && rule("C_Login", "pad", &typed)) {
		note("PIN pad");
		n = snprintf(pin, sizeof pin, "%lu", typed);
		p = (CK_UTF8CHAR_PTR)pin;
	}
	return after("C_Login", real->C_Login(h, u, p, n));
}

CK_RV C_GetSlotList(CK_BBOOL p, CK_SLOT_ID_PTR s, CK_ULONG_PTR n) {
	CK_RV rv;
	unsigned long claim;
	if (before("C_GetSlotList", &rv))
		return rv;
	rv = real->C_GetSlotList(p, s, n);
	if (rv == CKR_OK && rule("C_GetSlotList", "length", &claim))
		*n = claim;
	return after("C_GetSlotList", rv);
}

CK_RV C_Sign(CK_SESSION_HANDLE h, CK_BYTE_PTR d, CK_ULONG n, CK_BYTE_PTR s, CK_ULONG_PTR l) {
	CK_RV rv;
	unsigned long claim;
	if (before("C_Sign", &rv))
		return rv;
	rv = real->C_Sign(h, d, n, s, l);
	if (rv == CKR_OK && rule("C_Sign", "length", &claim))
		*l = claim;
	return after("C_Sign", rv);
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_PTR t, CK_ULONG n) {
	CK_RV rv;
	unsigned long claim;
	if (before("C_GetAttributeValue", &rv))
		return rv;
	rv = real->C_GetAttributeValue(h, o, t, n);
	if (rv == CKR_OK && rule("C_GetAttributeValue", "length", &claim))
		for (CK_ULONG i = 0; i < n; i++)
			t[i].ulValueLen = claim;
	return after("C_GetAttributeValue", rv);
}

CK_RV C_OpenSession(CK_SLOT_ID s, CK_FLAGS f, CK_VOID_PTR a, CK_NOTIFY n, CK_SESSION_HANDLE_PTR h) {
	CK_RV rv;
	unsigned long unused;
	if (before("C_OpenSession", &rv))
		return rv;
	if (f & CKF_RW_SESSION && rule("C_OpenSession", "protected", &unused))
		return CKR_TOKEN_WRITE_PROTECTED;
	return after("C_OpenSession", real->C_OpenSession(s, f, a, n, h));
}

CK_RV C_GetTokenInfo(CK_SLOT_ID s, CK_TOKEN_INFO_PTR i) {
	CK_RV rv;
	unsigned long n;
	if (before("C_GetTokenInfo", &rv))
		return rv;
	rv = real->C_GetTokenInfo(s, i);
	if (rv == CKR_OK && rule("C_GetTokenInfo", "flags", &n))
		i->flags |= n;
	return rv;
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR pub, CK_ULONG npub, CK_ATTRIBUTE_PTR priv,
			       CK_ULONG npriv, CK_OBJECT_HANDLE_PTR hpub, CK_OBJECT_HANDLE_PTR hpriv) {
	CK_RV rv;
	if (before("C_GenerateKeyPair", &rv))
		return rv;
	if (refuses("C_GenerateKeyPair", pub, npub) || refuses("C_GenerateKeyPair", priv, npriv))
		return CKR_ATTRIBUTE_TYPE_INVALID;
	return after("C_GenerateKeyPair", real->C_GenerateKeyPair(h, m, pub, npub, priv, npriv, hpub, hpriv));
}

CK_RV C_CreateObject(CK_SESSION_HANDLE h, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR o) {
	CK_RV rv;
	if (before("C_CreateObject", &rv))
		return rv;
	if (refuses("C_CreateObject", t, n))
		return CKR_ATTRIBUTE_TYPE_INVALID;
	return real->C_CreateObject(h, t, n, o);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out) {
	const char *path = getenv("SHIM_LIBRARY");
	void *library = path ? dlopen(path, RTLD_NOW) : NULL;
	CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	list = *real;
#define OURS(name) list.name = name
	OURS(C_Initialize);
	OURS(C_GetSlotList);
	OURS(C_GetSlotInfo);
	OURS(C_GetTokenInfo);
	OURS(C_OpenSession);
	OURS(C_Login);
	OURS(C_FindObjectsInit);
	OURS(C_SignInit);
	OURS(C_Sign);
	OURS(C_DecryptInit);
	OURS(C_DeriveKey);
	OURS(C_GetAttributeValue);
	OURS(C_GenerateRandom);
	OURS(C_GenerateKeyPair);
	OURS(C_CreateObject);
	list.C_GetFunctionList = C_GetFunctionList;
	*out = &list;
	return CKR_OK;
}
