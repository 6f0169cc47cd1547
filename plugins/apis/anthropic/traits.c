/*
 * traits.c - what a model takes, by its name.
 *
 * The API has no parameter that all its models take alike: thinking, effort and sampling changed
 * from one to the next. A name that is none of Anthropic's stands for a server that speaks an
 * earlier form of the API.
 */
#include "anthropic.h"

#include <weir/sdk/number.h>

/* "claude-3-5-sonnet-20241022", "claude-opus-4-7", "claude-fable-5": 35, 47, 50; 0: no version. */
static int64_t traits_version(weir_str model)
{
    int64_t numbers[2] = { 0, 0 };
    size_t count = 0;

    while (model.len && count < 2) {
        weir_str piece = weir_str_split(&model, '-');
        weir_str rest = weir_str_split(&piece, '@'); /* "claude-sonnet-4-5@20250929" */
        weir_str first = weir_str_split(&rest, '.'); /* "claude-2.1" */

        if (first.len > 2 || !weir_number_to_int64(first.ptr, first.len, &numbers[count])) {
            if (count)
                break;
            continue;
        }
        count++;
        if (count < 2 && rest.len <= 2 && weir_number_to_int64(rest.ptr, rest.len, &numbers[count]))
            break;
    }
    return count ? numbers[0] * 10 + (numbers[1] < 10 ? numbers[1] : 9) : 0;
}

struct ant_traits ant_traits_of(weir_str model)
{
    bool claude = weir_str_mentions(model, "claude");
    bool opus = weir_str_mentions(model, "opus");
    int64_t v = claude ? traits_version(model) : 0;
    struct ant_traits t;

    memset(&t, 0, sizeof(t));
    t.sampling = v < 47;
    t.sampling_both = v < 41 || (!opus && v < 45);
    if (!claude) {
        t.enabled = true;
        return t;
    }
    t.adaptive = v >= 46;
    t.enabled = v >= 37 && v <= 46;
    t.effort = v >= 46 || (opus && v == 45);
    t.effort_xhigh = v >= 47;
    t.effort_max = v >= 46;
    t.format = v >= 45 || (opus && v == 41);
    t.system_later = v >= 48;
    return t;
}
