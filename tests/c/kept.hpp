/*
 * What the calls of a case leave under the name in their `as`: executions, to call; texts, for "$name" to stand for.
 */
#ifndef SESSILE_TESTS_KEPT_HPP
#define SESSILE_TESTS_KEPT_HPP

#include "call.hpp"
#include "compare.h"

#include <map>

class Kept {
public:
    void keep(const Call &call, sessile::Execution run)
    {
        if (auto name = call.optional_text("as"))
            runs_.insert_or_assign(*name, std::move(run));
    }
    void keep(const Call &call, string text)
    {
        if (auto name = call.optional_text("as"))
            texts_.insert_or_assign(*name, std::move(text));
    }
    /* The texts of a result, as "name.token", "name.sessionId", "name.nextCursor". */
    void keep_members(const Call &call, const string &result)
    {
        const auto name = call.optional_text("as");
        const Json all = read(result);
        if (!name || !all)
            return;
        for (const json *member = all->first; member; member = member->next)
            if (json_text(member))
                texts_.insert_or_assign(*name + "." + string(member->name, member->name_len),
                                        string(member->text, member->text_len));
    }

    sessile::Execution *run(const string &name)
    {
        const auto found = runs_.find(name);
        return found == runs_.end() ? nullptr : &found->second;
    }
    /* A string argument, or what "$name" stands for. */
    optional<string> text(const Call &call, const char *name) const
    {
        auto text = call.optional_text(name);
        if (text && text->size() > 1 && text->front() == '$') {
            const auto found = texts_.find(text->substr(1));
            if (found != texts_.end())
                return found->second;
        }
        return text;
    }
    /* An argument's JSON text, with the kept texts in the place of the strings that name them. */
    optional<string> raw(const Call &call, const char *name) const
    {
        auto raw = call.optional_raw(name);
        for (const auto &[kept, text] : texts_) {
            const string named = "\"$" + kept + "\"";
            const auto at = raw ? raw->find(named) : string::npos;
            if (at != string::npos)
                raw->replace(at, named.size(), "\"" + text + "\"");
        }
        return raw;
    }
    /* How values are compared with what is kept. */
    kept_texts texts() const { return kept_texts{find, this}; }

    void clear() { runs_.clear(); }

private:
    static bool find(const void *kept, const char *name, std::size_t name_len, const char **text, std::size_t *text_len)
    {
        const auto &texts = static_cast<const Kept *>(kept)->texts_;
        const auto found = texts.find(string(name, name_len));
        if (found == texts.end())
            return false;
        *text = found->second.data();
        *text_len = found->second.size();
        return true;
    }

    std::map<string, sessile::Execution> runs_;
    std::map<string, string> texts_;
};

#endif
