/**
 * The rules of the project's English: words with a better one, and where prose is in a file. Used by
 * tidy.test.ts.
 */

export interface WordRule {
  /** Matches the words to avoid, within one sentence or message. */
  readonly avoid: RegExp
  readonly better: string
  /** A text that breaks the rule, so that the pattern itself is tested. */
  readonly example: string
}

export const wordRules: readonly WordRule[] = [
  { avoid: /\banew\b/i, better: 'again, or from scratch', example: 'Begin anew.' },
  { avoid: /\bwhoever\b/i, better: 'the caller, the reader', example: 'whoever reads it' },
  { avoid: /\bmend(?:s|ed|ing)?\b/i, better: 'fix', example: 'Mend the record.' },
  { avoid: /\bunder way\b/i, better: 'in flight, running', example: 'a write under way' },
  { avoid: /\b(?:go|goes|going|went|gone) on\b/i, better: 'continue', example: 'The run goes on.' },
  { avoid: /\b(?:go|goes|going|went) before\b/i, better: 'precede, override', example: 'It goes before.' },
  {
    avoid: /\b(?:stand|stands|stood|standing)\b(?!-)/i,
    better: 'is, is stored, represents',
    example: 'where the offset stands',
  },
  {
    avoid: /\bof (?:its|his|their|your|our|my) own\b/i,
    better: 'its own, their own',
    example: 'a file of its own',
  },
  {
    avoid:
      /(?<!\bthere )\b(?:is|are|was|were) no (?!(?:longer|more|later|earlier|larger|smaller|greater|less|other)\b)/i,
    better: 'invalid, is not a',
    example: "'x' is no duration",
  },
  {
    avoid: /(?<!\bthere )\b(?:is|are|was|were) to (?!(?:the|a|an)\b)(?=[a-z])/,
    better: 'must, will, is expected to',
    example: 'what is to be written',
  },
  { avoid: /\bopponents?\b/i, better: 'baseline', example: 'against an opponent' },
  { avoid: /\bby hand\b/i, better: 'hand-written, manually', example: 'a loop by hand' },
  { avoid: /\bthere are:/i, better: 'must be one of', example: 'There are: a, b.' },
  { avoid: /\bas it seems\b/i, better: 'apparently, or nothing', example: 'processed, as it seems' },
  { avoid: /\bbehind the end\b/i, better: 'past the end', example: 'Behind the end is nothing.' },
]

/** Characters of a line of prose. */
export const proseWidth = 110

/** A paragraph of a comment or document, or a text of the program, with the line on which it begins. */
export interface Prose {
  readonly line: number
  readonly text: string
}

const quoted = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g
const commentLine = /^\s*(?:\/\/|\/\*\*?|\*(?!\*))/

/**
 * The comments and texts of a TypeScript file: a comment's paragraph as one text, so that a phrase may break
 * over lines.
 */
export function proseOfCode(code: string): readonly Prose[] {
  const found: Prose[] = []
  let paragraph: { line: number; words: string[] } | undefined
  const end = (): void => {
    if (paragraph) found.push({ line: paragraph.line, text: paragraph.words.join(' ') })
    paragraph = undefined
  }
  let isFenced = false
  for (const [index, line] of code.split('\n').entries()) {
    const text = line
      .replace(/\*\/\s*$/, '')
      .replace(commentLine, '')
      .trim()
    if (commentLine.test(line) && text.startsWith('```')) isFenced = !isFenced
    if (commentLine.test(line) && text !== '' && !isFenced) {
      paragraph ??= { line: index + 1, words: [] }
      paragraph.words.push(text)
    } else {
      end()
      if (!commentLine.test(line)) {
        const trailing = / \/\/ (.*)$/.exec(line)?.[1]
        if (trailing !== undefined) found.push({ line: index + 1, text: trailing })
        for (const [literal] of line.matchAll(quoted)) found.push({ line: index + 1, text: literal })
      }
    }
  }
  end()
  return found
}

/** The paragraphs, list items and table rows of a Markdown document, without its fenced blocks. */
export function proseOfMarkdown(document: string): readonly Prose[] {
  const found: Prose[] = []
  let isFenced = false
  let begins = true
  for (const [index, line] of document.split('\n').entries()) {
    if (/^\s*```/.test(line)) isFenced = !isFenced
    if (isFenced || line.trim() === '' || /^\s*```/.test(line)) {
      begins = true
    } else if (begins || /^\s*(?:[-*|#]|\d+\.)/.test(line)) {
      found.push({ line: index + 1, text: line.trim() })
      begins = false
    } else {
      const last = found.at(-1)!
      found[found.length - 1] = { line: last.line, text: `${last.text} ${line.trim()}` }
    }
  }
  return found
}

/**
 * Lines of comments, or of a document, that are too wide. Exempt by their kind: rows of tables, which the
 * formatter pads; blocks between fences and drawings, whose columns have a meaning; a link that cannot be
 * broken.
 */
export function wideLines(file: string, text: string): readonly number[] {
  const isDocument = file.endsWith('.md')
  let isFenced = false
  return text.split('\n').flatMap((line, index) => {
    const isComment = commentLine.test(line)
    const content = isDocument ? line : line.replace(commentLine, '').replace(/^ /, '')
    if ((isDocument || isComment) && content.trimStart().startsWith('```')) isFenced = !isFenced
    const isExempt = isFenced || /^\s*\||^ {3}|\S{80}/.test(content)
    return (isDocument || isComment) && !isExempt && line.length > proseWidth ? [index + 1] : []
  })
}
