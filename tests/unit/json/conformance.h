/*
 * conformance.h - what is JSON and what is not, byte by byte.
 *
 * Every case that the public JSONTestSuite distinguishes has its counterpart here, along with some
 * of our own: what must be accepted, what must be refused, and, where RFC 8259 leaves the choice,
 * what this scanner has chosen.
 */
#ifndef WEIR_TEST_JSON_CONFORMANCE_H
#define WEIR_TEST_JSON_CONFORMANCE_H

#include <weir/base.h>

/* clang-format off */
#define S(literal) { literal, sizeof(literal) - 1 }

static const weir_str conformance_accepted[] = {
    /* a document may be any value, with white space around it */
    S("null"), S("true"), S("false"), S("7"), S("-0.5"), S("\"word\""), S("\"\""), S("[]"), S("{}"),
    S(" [ ] "), S("[true]\n"), S("\t\r\n {}\t\r\n "), S("[ \"a\" , 1\n]\n"), S("\" \""),
    /* arrays */
    S("[[] , [\t]]"), S("[\"\"]"), S("[false]"), S("[null]"), S(" [3]"), S("[3] "), S("[3\n]"),
    S("[null,2,\"3\",{},[4]]"), S("[5,null,null,null,6]"), S("[[[[[]]]]]"),
    /* objects */
    S("{\"key\":\"value\"}"), S("{\"one\":\"1\", \"two\":\"2\"}"), S("{\"list\":[]}"), S("{\"\":0}"),
    S("{\"k\":1,\"k\":2}"), S("{\"k\":1,\"k\":1}"), S("{\"a\\u0000b\": 1}"), S("{\n\"k\"\n:\n1\n}"),
    S("{ \"low\": -1.0e+28, \"high\": 1.0e+28 }"), S("{\"\\u006b\\u0435\\u0439\":\"\\u0431\"}"),
    S("{\"x\":[{\"id\":\"0123456789012345678901234567890123456789\"}],"
      "\"id\":\"0123456789012345678901234567890123456789\"}"),
    /* numbers */
    S("[0]"), S("[-0]"), S("[-1]"), S("[-246]"), S("[987]"), S("[ 4]"), S("[987.654321]"), S("[0.0]"),
    S("[0e1]"), S("[0e+1]"), S("[0E-0]"), S("[20e1]"), S("[1E22]"), S("[1E-2]"), S("[1E+2]"),
    S("[1e-2]"), S("[1e+2]"), S("[321e45]"), S("[321.654e78]"), S("[321e65]"), S("[1e007]"),
    S("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]\n"),
    /* strings: escapes */
    S("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), S("[\"\\\"\"]"), S("[\"\\\\n\"]"), S("[\"\\\\a\"]"),
    S("[\"\\\\u0000\"]"), S("[\"\\u0000\"]"), S("[\"\\u0011\"]"), S("[\"\\u002c\"]"), S("[\"\\u0022\"]"),
    S("[\"\\u005C\"]"), S("[\"\\u0123\"]"), S("[\"\\u0821\"]"), S("[\"\\uABcd\"]"), S("[\"a\\u000Ab\"]"),
    S("[\"a\\u00A0b\"]"), S("[\"\\u0060\\u012a\\u12AB\"]"), S("[\"\\u200B\\u2064\"]"), S("[\"\\uA66D\"]"),
    S("[\"\\u0061\\u30af\\u30EA\\u30b9\"]"), S("[\"\\uFDD0\\uFFFE\\uFFFF\"]"), S("[\"\\uD801\\udc37\"]"),
    S("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"), S("[\"\\uDBFF\\uDFFF\"]"), S("[\"\\uD834\\uDd1e\"]"),
    S("[\"\\uDBFF\\uDFFE\"]"), S("[\"\\uD83F\\uDFFE\"]"),
    /* strings: bytes that stand for themselves */
    S("[\"a/*b*/c//d\"]"), S("[\"\x7F\"]"), S("[\"a\x7F" "a\"]"), S("[\"\xC2\x80\"]"), S("[\"\xDF\xBF\"]"),
    S("[\"\xCF\x80\"]"), S("[\"\xE0\xA0\x80\"]"), S("[\"\xE2\x80\xA8\xE2\x80\xA9\"]"), S("[\"\xED\x9F\xBF\"]"),
    S("[\"\xEE\x80\x80\"]"), S("[\"\xEF\xBF\xBF\"]"), S("[\"\xEF\xBB\xBF\"]"), S("[\"\xF0\x90\x80\x80\"]"),
    S("[\"\xF0\x9B\xBF\xBF\"]"), S("[\"\xE2\x82\xAC\xF0\x9D\x84\x9E\"]"), S("[\"\xE2\x8D\x82\xE3\x88\xB4\"]"),
    S("[\"\xF4\x8F\xBF\xBF\"]"), S("{\"\xC3\xA9\":1}"),
};

static const weir_str conformance_refused[] = {
    /* no document, or more than one */
    S(""), S(" "), S("\n"), S("[][]"), S("{}}"), S("1]"), S("[1]]"), S("[\"x\"]]"), S("[\"\"],"), S("[1]x"),
    S("{\"a\":1}#"), S("{\"a\":1}#{}"), S("{\"a\":1} \"x\""), S("\"\"x"), S("2@"), S("1 2"), S("nullnull"),
    S("{\"a\":1}/"), S("{\"a\":1}//"), S("{\"a\":1}/**/"), S("{\"a\":1}/**//"),
    /* not a value */
    S("*"), S("abc"), S("]"), S("}"), S(","), S(":"), S("<.>"), S("[<null>]"), S("[True]"), S("[nul]"),
    S("[tru]"), S("[fals]"), S("nul"), S("[ true, fals"), S("[ false, tru"), S("[ false, nul"), S("[truth]"),
    S("[nan]"), S("[NaN]"), S("[Inf]"), S("[Infinity]"), S("[undefined]"), S("[x"), S("[*]"), S("['single']"),
    S("[\"x\", truth]"), S("['"), S("a\xC3\xA5"), S("\xC3\xA5"), S("\xE9"), S("\xE5"), S("[\xC3\xA9]"),
    S("[a\xE5]"), S("[\xFF]"),
    /* white space that is none */
    S("[\f]"), S("[\v]"), S("[\"\va\"\\f]"), S("[\xE2\x81\xA0]"), S("[\xC2\xA0]"), S("\xE2\x80\x83[]"),
    S("[\0]"), S("1\0"), S("123\0"), S("[]\0"), S("\0"), S("{\"a\":/*comment*/1}"), S("[1 // one\n]"),
    /* arrays */
    S("["), S("[1"), S("[\"\""), S("[\"x\""), S("[1,"), S("[{}"), S("[\"a\",\n4\n,1,"), S("[1,\n1\n,1"), S("[,"),
    S("[,]"), S("[,1]"), S("[1,]"), S("[1,,]"), S("[1,,2]"), S("[\"\",]"), S("[\"x\",,]"), S("[   , \"\"]"),
    S("[1 true]"), S("[3[4]]"), S("[1:2]"), S("[1;2]"), S("[\"\": 1]"), S("[1}"), S("[1 000.0]"), S("[\"a"),
    S("[{"), S("[\"asd]"),
    /* objects */
    S("{"), S("{]"), S("{,"), S("{["), S("{\"a"), S("{'a'"), S("{\"a\""), S("{\"a\":"), S("{\"\":"), S("{\"a\":\"a"),
    S("{\"a\":1"), S("{\"a\":1,"), S("{\"x\": true,"), S("{\"a\":1,}"), S("{\"a\":1,,}"), S("{\"a\":1,,,,,}"),
    S("{\"a\":1,,\"b\":2}"), S("{,\"a\":1}"), S("{:1}"), S("{:\"b\"}"), S("{[: 1}\n"), S("{\"a\" 1}"),
    S("{\"a\" b}"), S("{\"a\" \"b\"}"), S("{\"a\"::1}"), S("{\"a\", null}"), S("{\"a\"}"), S("{1:1}"),
    S("{null:null,null:null}"), S("{9999E9999:1}"), S("{a: 1}"), S("{'a':0}"), S("{key: 'value'}"),
    S("{\"a\":1 2}"), S("{\"a\":\"a\" 123}"), S("{ \"k\" : \"v\", \"a\" }"), S("{\"a\":1]"), S("{\"a\"=1}"),
    S("{\xF0\x9F\x87\xA8\xF0\x9F\x87\xAD}"), S("{\"\xB9\":\"0\",}"), S("{\"a\":1;\"b\":2}"),
    /* numbers */
    S("[-]"), S("-"), S("[+1]"), S("[++1]"), S("[+Inf]"), S("[-NaN]"), S("[-Infinity]"), S("[-foo]"), S("[- 1]"),
    S("[-1x]"), S("[012]"), S("[-012]"), S("[-01]"), S("[00]"), S("[.5]"), S("[.-1]"), S("[.2e-3]"), S("[-.5]"),
    S("[1.]"), S("[-2.]"), S("[-1.0.]"), S("[0.1.2]"), S("[2.e3]"), S("[2.e+3]"), S("[2.e-3]"), S("[0.e1]"),
    S("[9.e+]"), S("[0e]"), S("[0E]"), S("[0e+]"), S("[0E+]"), S("[0.3e]"), S("[0.3e+]"), S("[1.0e]"),
    S("[1.0e+]"), S("[1.0e-]"), S("[1eE2]"), S("[1ea]"), S("[0e+-1]"), S("[1e5.5]"), S("1e"), S("1."), S("1e+"),
    S("[1+2]"), S("[0x1]"), S("[0x42]"), S("[1_000]"), S("[1.2a-3]"), S("[-123.4foo]"), S("[1f]"),
    S("[1.8011670033376514H-308]"), S("[\xEF\xBC\x91]"), S("[123\xE5]"), S("[0\xE5]\n"), S("[1e1\xE5]"),
    S("[1e\xE5]"),
    /* strings */
    S("\""), S("[\"\\"), S("[\"\\\"]"), S("[\"\\\\\\\"]"), S("[\"\\x00\"]"), S("[\"\\a\"]"), S("[\"\\'\"]"),
    S("[\"\\\t\"]"), S("[\"\\\0\"]"), S("[\"\\\xE5\"]"), S("[\"\\\xF0\x9F\x8C\x80\"]"), S("\"\\UA66D\""),
    S("[\"\\u\"]"), S("[\"\\u0\"]"), S("[\"\\u00\"]"), S("[\"\\u00A\"]"), S("[\"\\u00G0\"]"), S("[\"\\uqqqq\"]"),
    S("[\"\\u+123\"]"), S("[\"\\u 123\"]"), S("[\"\\u\xE5\"]"), S("[\"\\uD834\\uDd\"]"), S("[\"\\uD800\\\"]"),
    S("[\"\\uD800\\u\"]"), S("[\"\\uD800\\u1\"]"), S("[\"\\uD800\\u1x\"]"), S("[\"\\uD800\\uD800\\x\"]"),
    S("\"\\u12"), S("[\"a\0a\"]"), S("[\"a\nb\"]"), S("[\"\t\"]"), S("[\"\x1F\"]"), S("[\"\r\"]"), S("[\\n]"),
    S("[\\u0020\"asd\"]"), S("[\\u000A\"\"]"), S("[\"\\{[\"\\{[\"\\{"), S("\"abc"), S("[\"\\u0000]"),
    /* RFC 8259 leaves these open: no byte order mark, no encoding but UTF-8 */
    S("\xEF\xBB\xBF"), S("\xEF\xBB\xBF{}"), S("\xEF\xBB{}"), S("\xFF\xFE[\0\"\0\xE9\0\"\0]\0"),
    S("[\0\"\0\xE9\0\"\0]\0"), S("\0[\0\"\0\xE9\0\"\0]"),
    /* and no ill-formed UTF-8 */
    S("[\"\xFF\"]"), S("[\"\xFE\"]"), S("[\"\xE9\"]"), S("[\"\x81\"]"), S("[\"\xC2\"]"), S("[\"\xC2"),
    S("[\"\xE6\x97\xA5\xD1\x88\xFA\"]"), S("[\"\xE0\xFF\"]"), S("[\"\xE2\x82\"]"), S("[\"\xF0\x9F\x98\"]"),
    S("[\"\xED\xA0\x80\"]"), S("[\"\xED\xBF\xBF\"]"), S("[\"\xC0\xAF\"]"), S("[\"\xC1\xBF\"]"),
    S("[\"\xE0\x9F\xBF\"]"), S("[\"\xF0\x8F\xBF\xBF\"]"), S("[\"\xF4\x90\x80\x80\"]"), S("[\"\xF4\xBF\xBF\xBF\"]"),
    S("[\"\xF5\x80\x80\x80\"]"), S("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]"), S("[\"\xFC\x80\x80\x80\x80\x80\"]"),
};

/* Also left open: good form is enough for a number, whatever its range, and for an escaped
 * surrogate, whatever its company. The reader refuses the former and replaces the latter. */
static const weir_str conformance_far_numbers[] = {
    S("[321.654e+789]"), S("[0.4e006699999999999999999999999999999999999999999999999999999999999999]"),
    S("[-1e+9999]"), S("[1.5e+9999]"), S("[-321321e100000]"), S("[321321e100000]"),
};

static const weir_str conformance_far_integers[] = {
    S("[-321321321321321321321321321321]"), S("[100000000000000000000]"), S("[9223372036854775808]"),
    S("[-237462374673276894279832749832423479823246327846]"), S("[-9223372036854775809]"),
};

static const weir_str conformance_tiny_numbers[] = {
    S("[321.654e-789]"), S("[321e-10000000]"), S("[0e99999999999999999999]"),
};

static const weir_str conformance_lone_surrogates[] = {
    S("[\"\\uDADA\"]"), S("[\"\\uD888\\u1234\"]"), S("[\"\\uD800\\n\"]"), S("[\"\\uDd1ea\"]"), S("[\"\\ud800\"]"),
    S("[\"\\uD800\\uD800\\n\"]"), S("[\"\\ud800abc\"]"), S("[\"\\uDd1e\\uD834\"]"), S("[\"\\uDFAA\"]"),
};
/* clang-format on */

#endif
