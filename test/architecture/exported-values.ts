/** Reads source files as the compiler does, so that a rule about exports means exports. */
import ts from 'typescript';

/** Exported functions, constants and classes of a source text that no declaration of their name documents. */
export const undocumentedExports = (name: string, text: string): readonly string[] => {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const exported = source.statements.filter(isExported);
  const documented = new Set(exported.filter(hasDocument).flatMap(namesOf));
  return exported
    .filter((statement) => !ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement))
    .flatMap(namesOf)
    .filter((value) => !documented.has(value));
};

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;

/** A JSDoc block right before it; a comment of the file, with the imports between, does not count. */
const hasDocument = (statement: ts.Statement): boolean => ts.getJSDocCommentsAndTags(statement).length > 0;

const namesOf = (statement: ts.Statement): readonly string[] => {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isNamed && statement.name ? [statement.name.text] : [];
};
